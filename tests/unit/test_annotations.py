"""Annotations without a daemon: what edits make of them, and what the store keeps."""

from __future__ import annotations

import pytest
from recorder import ADA, BOB, begin

from lineage.annotations import MAX_ITEMS, Annotations, Edit, Subject, apply, assignments, checked, parsed_label
from lineage.annotationwire import annotated_from, annotated_to
from lineage.errors import InvalidError, NotFoundError
from roard.store import Store

JOB = Subject("job", b"r" * 16)


def test_edits_one_after_the_other() -> None:
    items, changes = apply([], [Edit("label", "a", ("1",)), Edit("note", "", ("x",)), Edit("note", "", ("y",)),
                                Edit("tag", "licence", ("mit", "cc-by", "mit"))], ADA, 5)
    assert [(item.what, item.key, item.values) for item in items] == [
        ("label", "a", ("1",)), ("note", "1", ("x",)), ("note", "2", ("y",)), ("tag", "licence", ("cc-by", "mit"))]
    assert len(changes) == 4
    items, changes = apply(items, [Edit("label", "a", ("1",)), Edit("label", "a", ("2",)), Edit("note", "1")], BOB, 6)
    assert [(change.key, change.old, change.new, change.author) for change in changes] == [
        ("a", ("1",), ("2",), BOB), ("1", ("x",), (), BOB)]
    whole = Annotations(JOB, tuple(items), tuple(changes))
    assert annotated_from(annotated_to(whole)) == whole
    assert whole.labels() == {"a": "2"}


@pytest.mark.parametrize("edit", [
    Edit("label", "", ("x",)), Edit("label", "a b", ("x",)), Edit("label", "a" * 101, ("x",)), Edit("label", "a", ("x", "y")),
    Edit("label", "a", ("x" * 1001,)), Edit("label", "a", ("x\0",)), Edit("note", "", (" ",)), Edit("note", "x", ("y",)),
    Edit("shout", "a", ("x",))])  # type: ignore[arg-type]
def test_what_cannot_be_said(edit: Edit) -> None:
    with pytest.raises(InvalidError):
        checked(edit)


def test_too_much_and_nothing_to_take_away() -> None:
    with pytest.raises(InvalidError, match="1001"):
        apply([], [Edit("label", str(n), ("x",)) for n in range(MAX_ITEMS + 1)], ADA, 1)
    for edit in (Edit("label", "none"), Edit("note", "3")):
        with pytest.raises(NotFoundError):
            apply([], [edit], ADA, 1)


def test_words_of_the_command_line() -> None:
    assert assignments("tag", ["a=1", "b=x=y", "a=2"]) == {"a": ("1", "2"), "b": ("x=y",)}
    assert [parsed_label("a"), parsed_label("a="), parsed_label("a=b=c")] == [("a", None), ("a", ""), ("a", "b=c")]
    for word in ("a", "a=", "=b"):
        with pytest.raises(InvalidError):
            assignments("label", [word])


def test_subjects_have_keys_of_their_own() -> None:
    subjects = [JOB, Subject("step", b"r" * 16, 7), Subject("artifact", b"h" * 32), Subject("session", b"h" * 32)]
    assert [Subject.of_key(subject.key()) for subject in subjects] == subjects
    assert not any(one.key().startswith(other.key()) for one in subjects for other in subjects if one != other)


def test_the_index_follows_every_change(store: Store) -> None:
    step, other = Subject("step", JOB.id, 1), Subject("artifact", b"\0" * 32)
    long = ["v" * 250 + end for end in "xy"]
    store.annotate(JOB, 1000, [Edit("label", "k", ("v",)), Edit("label", "kk", ("v",))], ADA, 1)
    store.annotate(step, 1000, [Edit("label", "k", ("vv",))], ADA, 2)
    store.annotate(other, 1001, [Edit("label", "k", (long[0],)), Edit("tag", "k", ("a", "b"))], BOB, 3)
    assert store.labelled("label", "k") == [(JOB, 1000), (step, 1000), (other, 1001)] or \
        set(store.labelled("label", "k")) == {(JOB, 1000), (step, 1000), (other, 1001)}
    assert store.labelled("label", "k", "v") == [(JOB, 1000)]
    assert store.labelled("label", "k", long[0]) == [(other, 1001)]
    assert store.labelled("label", "k", long[1]) == []
    assert store.labelled("tag", "k", "b") == [(other, 1001)]
    store.annotate(other, 1001, [Edit("tag", "k", ("b",)), Edit("label", "k")], BOB, 4)
    assert store.labelled("tag", "k", "a") == store.labelled("label", "k", long[0]) == []
    assert store.labelled("tag", "k", "b") == [(other, 1001)]


def test_spaces_and_histories_are_apart(store: Store) -> None:
    artifact, following = Subject("artifact", b"h" * 32), Subject("artifact", b"h" * 31 + b"i")
    for uid, user in ((1000, ADA), (1001, BOB)):
        store.annotate(artifact, uid, [Edit("label", "k", (user.name,))], user, uid)
    store.annotate(following, 1000, [Edit("label", "k", ("x",))], ADA, 1)
    assert {space: [item.values for item in items] for space, items in store.annotations([artifact])[artifact].items()} == {
        1000: [("ada",)], 1001: [("bob",)]}
    store.annotate(artifact, 1000, [Edit("label", "k")], ADA, 7)
    assert list(store.annotations([artifact])[artifact]) == [1001]
    assert [change.new for change in store.annotation_history(artifact, 1000)] == [("ada",), ()]
    assert len(store.annotation_history(artifact, 1001)) == 1
    assert store.annotations([Subject("job", begin(store).run)]) == {}

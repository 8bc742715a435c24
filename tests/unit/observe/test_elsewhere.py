"""What is where in other mount namespaces, as files tell it."""

from __future__ import annotations

from roard.observe.elsewhere import Elsewhere


def test_names_in_directories_of_which_a_file_told() -> None:
    elsewhere = Elsewhere()
    assert elsewhere.home(b"/data/x") is None
    elsewhere.tell(b"/data/in.txt", b"/home/ada/in.txt")
    elsewhere.tell(b"/init", b"/var/lib/box/init")
    assert elsewhere.home(b"/data/x") == b"/home/ada/x"
    assert elsewhere.home(b"/x") == b"/var/lib/box/x"
    assert elsewhere.home(b"/data/below/x") is None


def test_two_namespaces() -> None:
    """Which of them a name is of is not known."""
    elsewhere = Elsewhere()
    elsewhere.tell(b"/data/a", b"/one/a")
    elsewhere.tell(b"/data/a", b"/two/a")
    elsewhere.tell(b"/data/a", b"/one/a")
    assert elsewhere.home(b"/data/x") is None


def test_a_file_that_is_mounted_by_itself_tells_nothing_of_its_directory() -> None:
    elsewhere = Elsewhere()
    elsewhere.tell(b"/etc/resolv.conf", b"/run/box/resolv-17")
    assert elsewhere.home(b"/etc/passwd") is None


def test_what_is_not_here() -> None:
    elsewhere = Elsewhere()
    elsewhere.tell(b"/root/a", None)
    assert elsewhere.home(b"/root/x") == b"/root/x"
    assert elsewhere.hides(b"/root/x")
    assert not elsewhere.hides(b"/root/below/x")


def test_a_containers_own_files() -> None:
    elsewhere = Elsewhere()
    elsewhere.tell(b"/usr/bin/cat", b"/var/lib/box/usr/bin/cat")
    elsewhere.tell(b"/usr/bin/cat", b"/usr/bin/cat")
    assert elsewhere.as_there(b"/var/lib/box/root/model.pt", b"/home/ada") == b"/root/model.pt"
    assert elsewhere.as_there(b"/var/lib/other/x", b"/home/ada") == b"/var/lib/other/x"
    elsewhere.tell(b"/project/x", b"/mnt/project/x")
    assert elsewhere.as_there(b"/mnt/project/x", b"/mnt/project") == b"/mnt/project/x"

from __future__ import annotations

import os
import signal
import threading
import time

from lineage.awake import Awake


def test_a_signal_that_another_thread_takes_wakes() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: came.append(number))
    try:
        with Awake() as awake:
            os.kill(os.getpid(), signal.SIGUSR1)  # one that came before is not forgotten
            while not came:
                awake.sleep()
            sender = threading.Thread(target=lambda: (
                time.sleep(0.1), signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)))
            sender.start()
            while len(came) < 2:
                awake.sleep()
            sender.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert came == [signal.SIGUSR1] * 2


def test_another_thread_can_wake() -> None:
    with Awake() as awake:
        thread = threading.Thread(target=awake.wake)
        thread.start()
        awake.sleep()
        thread.join()
        for _ in range(100_000):
            awake.wake()  # never blocks
        awake.sleep()

"""Pure functions on grooves, and the history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghostnote.music.kit import SHORT_NAMES, VOICES

GROOVE = "await import(new URL('state/groove.js', document.baseURI))"
HISTORY = "await import(new URL('state/history.js', document.baseURI))"


def call(page: Any, body: str, argument: Any = None, module: str = GROOVE) -> Any:
    return page.evaluate(f"async (given) => {{ const m = {module}; {body} }}", argument)


def plain(hits: list[list[float]], bars: int = 1, meter: tuple[int, int] = (4, 4)) -> Any:
    return {"bpm": 100, "meter": list(meter), "bars": bars, "hits": hits}


def test_the_voices_are_the_kit_s(shared_page: Any) -> None:
    found = call(shared_page, "return [m.VOICES, m.SHORT_NAMES];")
    assert found == [list(VOICES), list(SHORT_NAMES)]


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8), (7, 8), (2, 2)])
def test_steps(shared_page: Any, meter: tuple[int, int]) -> None:
    found = call(
        shared_page,
        "return [m.stepsPerBar(given), m.stepsOf(given), m.secondsPerStep(given)];",
        plain([], 3, meter),
    )
    bar = meter[0] * 16 // meter[1]
    assert found == [bar, 3 * bar, pytest.approx(0.15)]


def test_edits_keep_the_rules_of_a_groove(shared_page: Any) -> None:
    """Sorted, float32, velocity above 0, offset below half a step; the old groove is as it was."""
    before, after = call(
        shared_page,
        "const cells = [[9, 2, {velocity: 0.3, offset: 0.1}], [0, 1, {velocity: 7, offset: 7}], "
        "[0, 0, {velocity: -1, offset: -1}], [4, 0, null]];"
        "return [given, m.withCells(given, cells)];",
        plain([[4, 0, 0.5, 0.0], [4, 1, 0.5, 0.0]]),
    )
    assert len(before["hits"]) == 2
    latest = float(np.nextafter(np.float32(0.5), np.float32(0)))
    assert after["hits"] == [
        [0, 0, float(np.float32(1 / 127)), -0.5], [0, 1, 1, latest], [4, 1, 0.5, 0],
        [9, 2, float(np.float32(0.3)), float(np.float32(0.1))],
    ]  # fmt: skip


def test_locked_cells_are_taken_over_as_far_as_both_reach(shared_page: Any) -> None:
    old = plain([[0, 0, 0.5, 0], [0, 1, 0.5, 0], [20, 0, 0.5, 0], [20, 1, 0.5, 0]], bars=2)
    new = plain([[0, 0, 1, 0], [8, 1, 1, 0], [33, 1, 1, 0]], bars=3)
    body = (
        "const locks = {voices: new Set(given.voices), bars: new Set(given.bars)};"
        "return m.withLocked(given.fresh, given.old, locks).hits.map(([s, v, a]) => [s, v, a]);"
    )

    def merged(**locks: list[int]) -> Any:
        return call(
            shared_page, body, {"fresh": new, "old": old, "voices": [], "bars": [], **locks}
        )

    assert merged() == [[0, 0, 1], [8, 1, 1], [33, 1, 1]]
    assert merged(voices=[1]) == [[0, 0, 1], [0, 1, 0.5], [20, 1, 0.5], [33, 1, 1]]
    assert merged(bars=[0]) == [[0, 0, 0.5], [0, 1, 0.5], [33, 1, 1]]
    assert merged(voices=[0], bars=[1]) == [
        [0, 0, 0.5], [8, 1, 1], [20, 0, 0.5], [20, 1, 0.5], [33, 1, 1]
    ]  # fmt: skip


def test_swing_moves_every_second_16th(shared_page: Any) -> None:
    groove = plain([[0, 0, 1, 0.1], [1, 0, 1, 0.1], [3, 0, 1, 0.45], [5, 0, 1, -0.5]])
    swung = call(
        shared_page, "return m.swung(given, 0.6).hits.map(([, , , late]) => late);", groove
    )
    latest = np.nextafter(np.float32(0.5), np.float32(0))
    assert swung == pytest.approx([0.1, 0.3, latest, -0.3], abs=1e-6)
    assert call(shared_page, "return m.swung(given, 0.5) === given;", groove)


def test_the_history_merges_drags_and_forgets_what_was_undone(shared_page: Any) -> None:
    found = call(
        shared_page,
        """
        const history = new m.History(0, "start");
        const told = [];
        const tell = () => told.push([history.current.state, history.undoable?.label ?? null,
            history.redoable?.label ?? null]);
        history.push({state: 1, label: "a"}, "drag");
        history.push({state: 2, label: "a"}, "drag");
        history.push({state: 3, label: "b"});
        tell(); history.undo(); tell(); history.undo(); tell(); history.undo(); tell();
        history.redo(); tell();
        history.push({state: 4, label: "c"}, "drag");
        tell(); history.undo(); history.redo();
        history.push({state: 5, label: "d"}, "drag");
        tell(); history.undo(); tell();
        return told;
        """,
        module=HISTORY,
    )
    assert found == [
        [3, "b", None], [2, "a", "b"], [0, None, "a"], [0, None, "a"], [2, "a", "b"],
        [4, "c", None], [5, "d", None], [4, "c", "d"],
    ]  # fmt: skip


def test_the_history_is_bounded(shared_page: Any) -> None:
    found = call(
        shared_page,
        "const history = new m.History(0, ''); for (let n = 1; n <= 1200; n++) "
        "history.push({state: n, label: ''}); let steps = 0; while (history.undo()) steps++;"
        "return [steps, history.current.state];",
        module=HISTORY,
    )
    assert found == [499, 701]

"""Tables and the page: what a report says, in full, and with nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ghostnote.bundle import Bundle
from ghostnote.data.corpus import load_corpus
from ghostnote.evaluate.examples import heard
from ghostnote.evaluate.page import page
from ghostnote.evaluate.plots import Axis, Line, Point, chart, forest, steps
from ghostnote.evaluate.report import Court, judge, report
from ghostnote.evaluate.subject import Subject
from ghostnote.evaluate.tables import Cell, Column, cell, markdown, tables

VOID = {"meta"}


class Checked(HTMLParser):
    """Follows what is open, and gathers what a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.asked += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def court(drumming: Path) -> Court:
    return Court(load_corpus(drumming), "validation", samples=24)


@pytest.fixture(scope="module")
def document(tiny_bundle: Bundle, court: Court) -> dict[str, Any]:
    return report(court, [judge(tiny_bundle, court)])


def test_tables_have_a_row_a_model_and_a_row_a_baseline(document: dict[str, Any]) -> None:
    made = {table.title: table for table in tables(document)}
    humanised = [row.name for row in made["Humanising"].rows]
    assert humanised[:2] == ["tiny, point", "tiny, sample"]
    assert {"quantised", "linear", "MLP", "training data"} < set(humanised)
    assert not any(name.startswith("paper") for name in humanised)  # which is about GMD
    assert [row.name for row in made["Samples of the prior"].rows] == [
        *("tiny", "Markov chain of order 4", "training data")
    ]
    assert [row.kind for row in made["Samples of the prior"].rows] == ["model", "baseline", "floor"]
    for table in made.values():
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
    assert "Tapping" in made  # baselines can, if the model cannot
    assert [row.kind for row in made["Tapping"].rows] == ["baseline"] * 3


def test_on_gmd_the_paper_is_beside_it(document: dict[str, Any]) -> None:
    gmd = {**document, "corpus": "gmd"}
    (table,) = (table for table in tables(gmd) if table.title == "Humanising")
    papers = {row.name: row.cells[0].value for row in table.rows if row.kind == "paper"}
    assert papers["paper, test: linear"] == "19.77"
    assert papers["paper, test: seq2seq"] == "18.80"


def test_rows_that_several_models_share_stand_once(document: dict[str, Any]) -> None:
    (one,) = document["bundles"]
    both = {**document, "bundles": [one, {**one, "bundle": "other"}]}
    (table,) = (table for table in tables(both) if table.title == "Infilling")
    names = [row.name for row in table.rows]
    assert names == ["tiny", "other", "silent", "marginal", "nearest neighbour"]


def test_a_cell_is_a_figure_with_its_interval() -> None:
    column = Column("x", ("a", "b"), "{:.1f}")
    assert cell(column, {"a": {"b": 2}}, {"a": {"b": [1, 3]}}) == Cell("2.0", "1.0–3.0")
    assert cell(column, {"a": {"b": 2}}, {"a": {"b": None}}) == Cell("2.0", "")
    assert cell(column, {"a": {"b": 2}}, {}) == Cell("2.0", "")
    assert cell(column, {"a": {"b": None}}, {}) == Cell()
    assert cell(column, {"a": 1}, {}) == Cell()


def test_markdown_leaves_out_empty_columns(document: dict[str, Any]) -> None:
    table = next(table for table in tables(document) if table.title == "Reconstruction")
    baselines = table._replace(rows=table.rows[1:])
    head, rule, *rows = markdown(baselines).splitlines()
    assert head == "|  | hits F1, teacher-forced |"
    assert rule == "| --- | --- |"
    assert [row.split(" | ")[0] for row in rows] == ["| silent", "| marginal", "| bigram"]


def test_a_page_needs_nothing_else(
    document: dict[str, Any], tiny_bundle: Bundle, court: Court
) -> None:
    subject = Subject(tiny_bundle, court.ground(2, (4, 4)))
    listen = heard(subject, court.takes("validation", (4, 4)))
    assert [each.heading for each in listen] == [
        *("tiny: samples", "tiny: humanising", "tiny: infilling")
    ]
    text = page(document, listen)
    found = Checked()
    found.feed(text)
    assert not found.open
    assert all(each.startswith(("#", "data:audio/")) for each in found.asked)
    bare = re.sub(r"data:audio/[^\"]*", "", text)
    assert "http" not in bare.replace('xmlns="http://www.w3.org/2000/svg"', "")  # a name, no place
    assert "<script" not in text
    assert found.tags.count("audio") == 2 + 4 + 3
    assert {f"#{each}" for each in re.findall(r'<section id="([^"]+)"', text)} == {
        each for each in found.asked if each.startswith("#")
    }
    assert text == page(document, listen)


def test_names_are_no_markup(document: dict[str, Any]) -> None:
    (one,) = document["bundles"]
    text = page({**document, "bundles": [{**one, "bundle": "<b>&"}]})
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text


def test_every_figure_of_a_table_is_in_the_page(document: dict[str, Any]) -> None:
    text = page(document)
    for table in tables(document):
        for row in table.rows:
            for each in row.cells:
                assert not each.value or f"<td>{each.value}" in text


# -- plots -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0, 1, ""), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Axis(0.43, 0.97, ""), [0.6, 0.8]),
        (Axis(0, 47, ""), [0, 10, 20, 30, 40]),
        (Axis(-0.5, 0.5, ""), [-0.4, -0.2, 0, 0.2, 0.4]),
        (Axis(0.001, 30, "", log=True), [0.001, 0.01, 0.1, 1, 10]),
    ],
)
def test_ticks_are_round_and_inside(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks() == pytest.approx(ticks)


def test_an_axis_places_values() -> None:
    assert [Axis(2, 4, "").share(value) for value in (1, 2, 3, 4, 5)] == [0, 0, 0.5, 1, 1]
    assert [Axis(0.1, 10, "", log=True).share(value) for value in (0, 1)] == [0, 0.5]


@pytest.mark.parametrize("log", [False, True])
def test_plots_tell_their_values(log: bool) -> None:
    drawn = forest([Point("a & b", 0.5, (0.4, 0.7)), Point("none", 0.0, None, True)], "F1", log=log)
    assert 'aria-label="F1: a &amp; b 0.5; none 0"' in drawn
    assert drawn.count("<circle") == 2
    assert forest([Point("one", 0.0)], "F1").count("<circle") == 1


def test_names_of_marks_do_not_cover_each_other() -> None:
    marks = [(name, 1.0, 1.0, False) for name in ("first", "second", "third")]
    drawn = chart([Line("l", [(0, 0), (2, 2)])], Axis(0, 2, "x"), Axis(0, 2, "y"), marks=marks)
    heights = [float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="start">', drawn)]
    assert len(heights) == 3
    assert all(b - a >= 12 for a, b in pairwise(heights))


def test_a_histogram_is_drawn_as_steps() -> None:
    assert steps([0.25, 0.75], [0, 1, 2]) == [
        *[(0, 0), (0, 0.25), (1, 0.25), (1, 0.75), (2, 0.75), (2, 0)]
    ]

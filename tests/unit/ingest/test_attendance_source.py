"""Attendance as learning systems export it: their names, their courses, their odds and ends."""

import json

import pytest

from contracts.errors import UserError
from ingest.sources.attendance import AttendanceSource

HEAD = "User Email,Course Name,Completion Date,Score,Manager\n"


def records(tmp_path, content, investment="", mapping=None):
    (tmp_path / "lms.csv").write_text(content)
    path = tmp_path / "map.toml"
    path.write_text(mapping or "")
    source = AttendanceSource(tmp_path / "lms.csv", investment, path if mapping else None)
    return [json.loads(item.payload)["record"] for item in source.read("")]


def test_the_columns_of_a_learning_system_are_known_and_the_rest_is_left_out(tmp_path):
    (told,) = records(tmp_path, HEAD + "kim@x.example,Negotiation,2026-03-04,88,Jo\n", "I-1")
    assert told == {
        "investment_id": "I-1",
        "learner_email": "kim@x.example",
        "course": "Negotiation",
        "completed_on": "2026-03-04",
        "score": "88",
    }


@pytest.mark.parametrize("moment", ["2026-03-04 23:59", "2026-03-04T09:00:00Z", "2026-03-04"])
def test_a_moment_of_completion_is_cut_to_its_day(tmp_path, moment):
    (told,) = records(tmp_path, HEAD + f"kim@x.example,N,{moment},,\n", "I-1")
    assert told["completed_on"] == "2026-03-04"


def test_whoever_has_not_completed_is_left_out(tmp_path):
    assert records(tmp_path, HEAD + "kim@x.example,Negotiation,,,\n", "I-1") == []


def test_a_mapping_says_which_course_is_which_investment(tmp_path):
    rows = "kim;Verhandeln;2026-03-04\njo;Brandschutz;2026-03-05\nal;Neu;2026-03-06\n"
    told = records(
        tmp_path,
        "Mitarbeiter;Kurs;Datum\n" + rows,
        mapping='[columns]\nMitarbeiter = "learner_email"\nKurs = "course"\n'
        'Datum = "completed_on"\n[courses]\nVerhandeln = "I-1"\nBrandschutz = ""\n',
    )
    assert [(one["learner_email"], one["investment_id"]) for one in told] == [
        ("kim", "I-1"),
        ("al", ""),  # a course that nobody named: the worker refuses it by its name
    ]


@pytest.mark.parametrize(
    ("content", "investment", "mapping", "said"),
    [
        (HEAD, "", None, "--investment ID"),
        ("Who,Course,Completed\n", "I-1", None, "no column is the learner_email"),
        ("Email,Course\n", "I-1", None, "no column is the completed_on"),
        ("Email,Learner,Completed\n", "I-1", None, "2 columns could be the learner_email"),
        (HEAD, "I-1", "[columns]\nManager = 'boss'\n", "'boss' is not a field"),
        (HEAD, "I-1", "[colums]\n", "colums"),
        (HEAD, "I-1", "columns = 3\n", "can't be read"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path, content, investment, mapping, said):
    with pytest.raises(UserError, match=said):
        records(tmp_path, content, investment, mapping)

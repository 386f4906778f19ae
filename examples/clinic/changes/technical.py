"""What the laboratory does, and what the program writes about itself."""

import json
from collections.abc import Callable
from typing import LiteralString

from examples.clinic.hand import Children, Hand, NothingToChange

TOAST_OCTETS = 3_000
STATES = ("NEU", "IN_ARBEIT", "WARTET", "QS", "FERTIG")
# What the migration leaves over stays as it is: a case without a title, tasks of the import, odd files and images.
TITLED: LiteralString = "t.titel <> ''"
ASSIGNED: LiteralString = "t.tech_id IS NOT NULL"
CHECKSUMMED: LiteralString = "t.sha256 IS NOT NULL"
PROPER_IMAGE: LiteralString = "length(t.sha256) = 64"
FILE_THERE: LiteralString = "EXISTS (SELECT FROM files AS f WHERE f.id = t.file_id)"
NOT_OBSOLETE: LiteralString = "t.obsolet = 'N'"


def open_case(hand: Hand) -> None:
    """A case with the first line of its history and some tasks; of an order, or of a patient."""
    case = hand.new_id("cases")
    order, patient = hand.random.choice(((hand.some("order"), None), (None, hand.some("patient"))))
    hand.run(
        "INSERT INTO cases (id, order_id, patient_id, titel, opened, meta) VALUES (%s, %s, %s, 'Neu', %s, '{}')",
        *(case, order, patient, hand.moment()),
    )
    hand.run(
        "INSERT INTO case_states (fall_nr, nach, at) VALUES (%s, 'NEU', %s)", case, hand.moment()
    )
    for _ in range(hand.random.randint(1, 4)):
        _add_task(hand, case)


def _add_task(hand: Hand, case: int) -> None:
    technician, role = hand.some_of("technicians"), hand.some_of("technician_roles")
    hand.run(
        "INSERT INTO tasks (fall_nr, tech_id, role_id, minuten, faellig) VALUES (%s, %s, %s, %s, %s)",
        *(case, technician, role, hand.random.choice((None, "0", "090")), hand.moment()),
    )


def advance_case(hand: Hand) -> None:
    """A case goes on, and its history with it; some notes are long."""
    case, state = hand.some_of("cases", TITLED), hand.random.choice(STATES)
    (before,) = hand.row("SELECT state FROM cases WHERE id = %s", case)
    closed = hand.moment() if state == "FERTIG" else None
    hand.run("UPDATE cases SET state = %s, closed = %s WHERE id = %s", state, closed, case)
    hand.run(
        "INSERT INTO case_states (fall_nr, von, nach, tech_id, note, at) VALUES (%s, %s, %s, %s, %s, %s)",
        *(case, before, state, hand.some_of("technicians")),
        *(hand.random.choice((None, "", hand.text(TOAST_OCTETS))), hand.moment()),
    )


def describe_case(hand: Hand) -> None:
    """What belongs to a case is written down, without a change of its state."""
    hand.run(
        "UPDATE cases SET prio = %s, meta = %s WHERE id = %s",
        *(hand.random.choice("ABC"), json.dumps({"shade": hand.text(2), "mm": 1.5})),
        hand.some_of("cases", TITLED),
    )


def correct_history(hand: Hand) -> None:
    """A line of a history is corrected, another one is taken out."""
    hand.run(
        "UPDATE case_states SET note = %s WHERE id = %s", hand.text(20), hand.some_of("case_states")
    )
    hand.delete("case_states", hand.some_of("case_states"))


def add_task(hand: Hand) -> None:
    """A case needs one more task."""
    _add_task(hand, hand.some_of("cases", TITLED))


def work_on_task(hand: Hand) -> None:
    """Minutes are written down."""
    hand.run(
        "UPDATE tasks SET state = %s, minuten = %s WHERE id = %s",
        *(hand.random.randrange(4), str(hand.random.randrange(600))),
        hand.some_of("tasks", ASSIGNED),
    )


def hand_over_case(hand: Hand) -> None:
    """All tasks of a case get another technician and another day: a hundred rows in one statement."""
    hand.run(
        "UPDATE tasks SET tech_id = %s, faellig = %s WHERE tech_id IS NOT NULL AND fall_nr = %s",
        *(hand.some_of("technicians"), hand.moment(), hand.some_of("cases", TITLED)),
    )


def redo_task(hand: Hand) -> None:
    """A task is deleted and inserted again, with the same key."""
    gone = hand.row("DELETE FROM tasks WHERE id = %s RETURNING *", hand.some_of("tasks", ASSIGNED))
    hand.run("INSERT INTO tasks VALUES (%s, %s, %s, %s, %s, %s, %s)", *gone)


def drop_task(hand: Hand) -> None:
    """A new task was a mistake."""
    hand.delete("tasks", hand.added("tasks"))


def drop_case(hand: Hand) -> None:
    """A new case was a mistake; its tasks and its history go first."""
    hand.delete("cases", hand.added("cases"))


def hire_technician(hand: Hand) -> None:
    """A technician, with the account of a member of the staff or without one."""
    technician = hand.new_id("technicians")
    hand.run(
        "INSERT INTO technicians (id, profile_id, kuerzel, skills, std_satz, eingetreten)"
        " VALUES (%s, %s, %s, '{CAD,NULL}', %s, %s)",
        *(technician, hand.random.choice((None, hand.some("staff"))), f"N{technician % 1000:03}"),
        *(hand.cents(6_000) / 100, hand.moment().date()),
    )


def retire_technician(hand: Hand) -> None:
    """A new technician goes, and the others take over what was to be done."""
    technician, successor = hand.added("technicians"), hand.some_of("technicians")
    if technician == successor:
        raise NothingToChange
    hand.run("UPDATE tasks SET tech_id = %s WHERE tech_id = %s", successor, technician)
    hand.run("DELETE FROM technicians WHERE id = %s", technician)


def change_prices(hand: Hand) -> None:
    """A technician gets more and learns something; a kind of work costs something else."""
    hand.run(
        "UPDATE technicians SET std_satz = %s, skills = array_append(skills, 'Löten') WHERE id = %s",
        *(hand.cents(9_000) / 100, hand.some_of("technicians")),
    )
    hand.run(
        "UPDATE technician_roles SET rate_cents = %s, sort = %s WHERE id = %s",
        *(hand.cents(9_000), hand.random.choice((None, 5)), hand.some_of("technician_roles")),
    )


def add_role(hand: Hand) -> None:
    """A new kind of work, at first without tasks."""
    role = hand.new_id("technician_roles")
    hand.run("INSERT INTO technician_roles VALUES (%s, %s, 'Neu', 0, NULL)", role, f"N{role}")


def drop_role(hand: Hand) -> None:
    """A new kind of work, and the tasks of that kind, were a mistake."""
    hand.delete("technician_roles", hand.added("technician_roles"))


def upload(hand: Hand) -> None:
    """A file, with everything that may be made of it."""
    file = hand.new_id("files")
    hand.run(
        "INSERT INTO files (id, storage_key, sha256, bytes, mime, uploaded) VALUES (%s, %s, %s, %s, 'image/jpeg', %s)",
        *(file, f"new/{file}", hand.text(32), hand.cents(10**10), hand.moment()),
    )
    hand.run(
        "INSERT INTO attachments (file_id, subj, subj_id, added) VALUES (%s, 'A', %s, %s), (%s, 'F', %s, %s)",
        *(file, hand.some("order"), hand.moment()),
        *(file, hand.some_of("cases", TITLED), hand.moment()),
    )
    hand.run(
        "INSERT INTO images (file_id, breite, hoehe, sha256, taken) VALUES (%s, 640, 480, %s, %s)",
        *(file, hand.text(32), hand.moment()),
    )
    hand.run(
        "INSERT INTO documents (doc_no, patient_id, file_id, kind, title, body, created)"
        " VALUES (%s, %s, %s, 'LAB', 'Neu', %s, %s)",
        *(f"N{file}", hand.some("patient"), file, hand.text(TOAST_OCTETS), hand.moment()),
    )


def remove_file(hand: Hand) -> None:
    """A new file, after everything that was made of it."""
    hand.delete("files", hand.added("files"))


def replace_file(hand: Hand) -> None:
    """Another content under the same storage key, or the same under another."""
    file = hand.some_of("files", CHECKSUMMED)
    if hand.random.random() < 0.5:  # noqa: PLR2004 - even odds.
        hand.run("UPDATE files SET storage_key = 'mv/' || md5(storage_key) WHERE id = %s", file)
    else:
        hand.run("UPDATE files SET sha256 = %s, bytes = 1 WHERE id = %s", hand.text(32), file)


def crop_image(hand: Hand) -> None:
    """Fewer pixels, so another checksum; or the image is given up."""
    image = hand.some_of("images", PROPER_IMAGE)
    if hand.random.random() < 0.8:  # noqa: PLR2004 - most are kept.
        hand.run("UPDATE images SET breite = 100, sha256 = %s WHERE id = %s", hand.text(32), image)
    else:
        hand.delete("images", image)


def move_attachment(hand: Hand) -> None:
    """An attachment belongs to a project now, is called something else, or goes."""
    attachment = hand.some_of("attachments", FILE_THERE)
    if hand.random.random() < 0.8:  # noqa: PLR2004 - most are kept.
        hand.run(
            "UPDATE attachments SET subj = 'P', subj_id = %s, caption = %s WHERE id = %s",
            *(hand.some("project"), hand.random.choice((None, "", "neu")), attachment),
        )
    else:
        hand.delete("attachments", attachment)


def sign_document(hand: Hand) -> None:
    """A document is signed; its long body stays as it is."""
    hand.run("UPDATE documents SET signed = 'Y', kind = 'CONS' WHERE doc_no = %s", _document(hand))


def renumber_document(hand: Hand) -> None:
    """A document gets another number, which is its key."""
    new: LiteralString = "'U' || left(md5(doc_no), 12)"
    hand.run("UPDATE documents SET doc_no = " + new + " WHERE doc_no = %s", _document(hand))


def shred_document(hand: Hand) -> None:
    """A document goes."""
    hand.run("DELETE FROM documents WHERE doc_no = %s", _document(hand))


def _document(hand: Hand) -> object:
    query: LiteralString = "SELECT doc_no FROM documents WHERE doc_no >= %s ORDER BY doc_no LIMIT 1"
    return hand.row(query, f"D{hand.random.randint(2015, 2023)}/")[0]


def change_setting(hand: Hand) -> None:
    """An office sets something, or nothing, or what it had."""
    hand.run(
        "UPDATE settings SET changed = %s, wert = CASE typ WHEN 'Z' THEN %s WHEN 'B' THEN 'ja' END WHERE id = %s",
        *(hand.moment(), f"{hand.cents(900)}.5", hand.some_of("settings", NOT_OBSOLETE)),
    )


def forget_setting(hand: Hand) -> None:
    """A setting of an office is deleted and set anew: another row with the same unique name."""
    gone = hand.row(
        "DELETE FROM settings WHERE id = %s RETURNING office_id, name, typ, wert, changed",
        hand.some_of("settings", NOT_OBSOLETE),
    )
    hand.run(
        "INSERT INTO settings (office_id, name, typ, wert, changed) VALUES (%s, %s, %s, %s, %s)",
        *gone,
    )


def configure(hand: Hand) -> None:
    """A line of the configuration is changed, renamed (a key change), added or taken out."""
    name = hand.row("SELECT name FROM system_config ORDER BY md5(name || %s) LIMIT 1", hand.text(4))
    statement: LiteralString = hand.random.choice(
        (
            "UPDATE system_config SET value = '{\"on\": [true, 1.50]}', changed_by = 1 WHERE name = %s",
            "UPDATE system_config SET name = 'x.' || left(md5(name), 9) WHERE name = %s AND name NOT LIKE 'y.%%'",
            "INSERT INTO system_config VALUES ('y.' || left(md5(%s), 9), '1.50', '2024-02-29') ON CONFLICT DO NOTHING",
            "DELETE FROM system_config WHERE name = %s AND name LIKE 'y.%%'",
        )
    )
    hand.run(statement, *name)


def log(hand: Hand) -> None:
    """Some lines of the log."""
    for level in ("INFO", "ERROR"):
        hand.run(
            "INSERT INTO app_log (level, logger, message, profile_id, context, at) VALUES (%s, %s, %s, %s, %s, %s)",
            *(
                level,
                "writer",
                hand.text(hand.random.choice((9, TOAST_OCTETS))),
                hand.cents(200_000),
            ),
            *(hand.random.choice((None, '{"ms": 1}')), hand.moment()),
        )


def correct_log(hand: Hand) -> None:
    """Logs should not be corrected, but this one is: a name is blacked out, a line is deleted."""
    line = hand.some_of("app_log", "t.level <> 'DEBUG'")
    hand.run("UPDATE app_log SET profile_id = NULL WHERE id = %s", line)
    hand.delete("app_log", hand.some_of("app_log", "t.level <> 'DEBUG'"))


def grant(hand: Hand) -> None:
    """A new role with its permissions, in one transaction."""
    role = hand.new_id("roles")
    hand.run("INSERT INTO roles VALUES (%s, %s, NULL)", role, f"role {role}")
    hand.run(
        "INSERT INTO permissions (role_id, name) VALUES (%s, 'cases.read'), (%s, 'cases.change')",
        *(role, role),
    )


def revoke(hand: Hand) -> None:
    """A permission is turned round, and one of the new roles goes with all of its own."""
    hand.run(
        "UPDATE permissions SET granted = CASE granted WHEN 'Y' THEN 'N' ELSE 'Y' END WHERE role_id = %s",
        hand.some_of("roles"),
    )
    hand.delete("roles", hand.added("roles"))


def describe_role(hand: Hand) -> None:
    """A role is described, and one permission of it gets another name, which is half of its key."""
    role = hand.some_of("roles")
    hand.run("UPDATE roles SET beschr = %s WHERE id = %s", hand.text(10), role)
    hand.run(
        "UPDATE permissions SET name = 'area.p' || left(md5(name), 9)"
        " WHERE role_id = %s AND name = (SELECT min(name) FROM permissions WHERE role_id = %s)",
        *(role, role),
    )


# How often each kind comes, out of the sum.
WEIGHTS: dict[Callable[[Hand], None], int] = {
    open_case: 6,
    advance_case: 10,
    describe_case: 3,
    correct_history: 3,
    add_task: 6,
    work_on_task: 16,
    hand_over_case: 3,
    redo_task: 4,
    drop_task: 4,
    drop_case: 3,
    hire_technician: 2,
    retire_technician: 2,
    change_prices: 3,
    add_role: 2,
    drop_role: 2,
    upload: 6,
    remove_file: 3,
    replace_file: 4,
    crop_image: 3,
    move_attachment: 3,
    sign_document: 3,
    renumber_document: 2,
    shred_document: 2,
    change_setting: 3,
    forget_setting: 2,
    configure: 3,
    log: 4,
    correct_log: 3,
    grant: 3,
    revoke: 3,
    describe_role: 2,
}

# Attachments outlive their subjects, and histories their technicians; both are NULL in the new schema then.
CHILDREN: Children = {
    "orders": (("cases", "order_id"),),
    "patients": (("cases", "patient_id"), ("documents", "patient_id")),
    "cases": (("tasks", "fall_nr"), ("case_states", "fall_nr")),
    "technician_roles": (("tasks", "role_id"),),
    "files": (("attachments", "file_id"), ("images", "file_id"), ("documents", "file_id")),
    "roles": (("permissions", "role_id"),),
}
# Tables whose rows are counted: what was added to them is taken away again in the end.
COUNTED: tuple[LiteralString, ...] = ("cases", "tasks", "technician_roles")

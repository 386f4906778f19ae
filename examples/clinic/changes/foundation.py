"""What the users of the foundation's tables do."""

from collections.abc import Callable
from typing import LiteralString

from examples.clinic.hand import Children, Hand, NothingToChange

TOAST_OCTETS = 3_000
LONG_HISTORIES = 0.3  # Share of the new patients who bring one.
# A patient who came with `new_patient` (others may have a new key), and has none of the old orders.
ALL_NEW: LiteralString = (
    "t.lname = 'Neu'"
    " AND NOT EXISTS (SELECT FROM orders AS o WHERE o.patient_id = t.id AND o.rel < 6)"
)


def new_patient(hand: Hand) -> None:
    """A patient with both jaws, a project and its active plan: five tables, and a ring of references."""
    patient, project = hand.new_id("patients"), hand.new_id("projects")
    plan = hand.new_id("treatment_plans")
    history = hand.text(TOAST_OCTETS) if hand.random.random() < LONG_HISTORIES else None
    hand.run(
        "INSERT INTO patients (id, office_id, fname, lname, sex, balance, history, created)"
        " VALUES (%s, %s, %s, 'Neu', 'w', %s, %s, %s)",
        *(
            patient,
            hand.some("office"),
            hand.text(4),
            hand.cents(9_999) / 100,
            history,
            hand.moment(),
        ),
    )
    hand.run(
        "INSERT INTO jaws (patient_id, side, teeth, measurements, changed)"
        """ VALUES (%s, 'U', '{11,12}', NULL, %s), (%s, 'L', '{}', '{"arch": 31.50}', %s)""",
        *(patient, hand.moment(), patient, hand.moment()),
    )
    hand.run(
        "INSERT INTO projects (id, patient_id, plan_id, title, budget, started)"
        " VALUES (%s, %s, %s, 'Neu', %s, %s)",
        *(project, patient, plan, hand.cents(999_999) / 100, hand.moment()),
    )
    hand.run(
        "INSERT INTO treatment_plans (id, projekt_id, dr_id, ver, cost, body, created)"
        " VALUES (%s, %s, %s, 3, %s, %s, %s)",
        *(
            plan,
            project,
            hand.some("doctor"),
            hand.cents(500_000),
            hand.text(TOAST_OCTETS),
            hand.moment(),
        ),
    )


def new_order(hand: Hand) -> None:
    """An order for some patient."""
    hand.run(
        "INSERT INTO orders (rel, patient_id, dr_id, sku, status_code, total_cents, prio, notes, created)"
        " VALUES (6, %s, %s, %s, 0, %s, %s, %s, %s)",
        *(hand.some("patient"), hand.some("doctor"), hand.some_sku(), hand.cents(400_000)),
        *(
            hand.random.choice((None, 1, 5, 9)),
            hand.random.choice((None, "", "a\tb\\N\n'\"")),
            hand.moment(),
        ),
    )


def new_doctor(hand: Hand) -> None:
    """A doctor and the profile that belongs to it."""
    profile, doctor = hand.new_id("profiles"), hand.new_id("doctors")
    hand.run(
        "INSERT INTO profiles (id, kind, fname, lname, email, tel, created)"
        " VALUES (%s, 'D', 'Neu', 'Neu', 'neu@example.org', '0664 7654321', %s)",
        *(profile, hand.moment()),
    )
    hand.run(
        "INSERT INTO doctors (id, profile_id, office_id, licence_no, specialty, fee_cents, created)"
        " VALUES (%s, %s, %s, %s, 'ORTHO', %s, %s)",
        *(doctor, profile, hand.some("office"), f"N-{doctor}", hand.cents(30_000), hand.moment()),
    )


def advance_order(hand: Hand) -> None:
    """An order gets on, and its price changes."""
    hand.run(
        "UPDATE orders SET status_code = %s, total_cents = %s WHERE id = %s",
        *(hand.random.choice((0, 1, 2, 3, 4, 9)), hand.cents(400_000), hand.some("order")),
    )


def touch_order(hand: Hand) -> None:
    """An update that changes nothing."""
    hand.run("UPDATE orders SET prio = prio WHERE id = %s", hand.some("order"))


def bill_patients(hand: Hand) -> None:
    """Some dozen rows in one statement; long histories stay as they are and are not sent."""
    patient = hand.some("patient")
    hand.run(
        "UPDATE patients SET balance = balance + 0.01 WHERE archived = 'N' AND id BETWEEN %s AND %s",
        *(patient, patient + 80),
    )


def move_patient(hand: Hand) -> None:
    """Another office; a long history stays as it is and is not sent."""
    hand.run(
        "UPDATE patients SET office_id = %s WHERE id = %s",
        hand.some("office"),
        hand.some("patient"),
    )


def write_history(hand: Hand) -> None:
    """A history grows long, or is cleared."""
    history = hand.random.choice((None, "", hand.text(TOAST_OCTETS)))
    hand.run("UPDATE patients SET history = %s WHERE id = %s", history, hand.some("patient"))


def revise_plan(hand: Hand) -> None:
    """The plans of a project cost something else; their long bodies stay as they are."""
    hand.run(
        "UPDATE treatment_plans SET ver = 4, cost = %s WHERE projekt_id = %s",
        *(hand.cents(900_000), hand.some("project")),
    )


def switch_plan(hand: Hand) -> None:
    """Another plan of the project is in force, or none."""
    project = hand.some("project")
    hand.run(
        "UPDATE projects SET plan_id = (SELECT t.id FROM treatment_plans AS t"
        " WHERE t.projekt_id = %s AND t.id IS DISTINCT FROM plan_id ORDER BY t.id LIMIT 1) WHERE id = %s",
        *(project, project),
    )


def rescan_jaws(hand: Hand) -> None:
    """Both jaws of a patient are scanned again."""
    hand.run(
        "UPDATE jaws SET scan_date = %s, teeth = teeth || 48::smallint WHERE patient_id = %s",
        *(hand.moment().date(), hand.some("patient")),
    )


def delete_order(hand: Hand) -> None:
    """A new order is cancelled for good."""
    hand.delete("orders", hand.added("orders"))


def reinsert_order(hand: Hand) -> None:
    """The same order deleted and inserted again, with the same key."""
    order = hand.some("order")
    gone = hand.row("DELETE FROM orders WHERE id = %s RETURNING *", order)
    hand.run(
        "INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", *gone
    )


def delete_project(hand: Hand) -> None:
    """A project with its plans."""
    hand.delete("projects", hand.some("project"))


def delete_patient(hand: Hand) -> None:
    """A new patient with everything that is the patient's, children first."""
    hand.delete("patients", hand.added("patients", ALL_NEW))


def rekey_patient(hand: Hand) -> None:
    """A patient gets another id and the children follow; half of a jaw's own key changes with it."""
    hand.rekey("patients", "id", hand.some("patient"), hand.new_id("patients"))


def rename_product(hand: Hand) -> None:
    """A product gets another key and its orders follow."""
    hand.rekey("products", "sku", hand.some_sku(), f"RN-{hand.text(8)}")


def retire_doctor(hand: Hand) -> None:
    """A new doctor and the profile go; orders and plans are handed over to another doctor first."""
    doctor, successor = hand.added("doctors"), hand.some("doctor")
    if doctor == successor:
        raise NothingToChange
    hand.run("UPDATE orders SET dr_id = %s WHERE dr_id = %s", successor, doctor)
    hand.run("UPDATE treatment_plans SET dr_id = %s WHERE dr_id = %s", successor, doctor)
    (profile,) = hand.row("SELECT profile_id FROM doctors WHERE id = %s", doctor)
    hand.delete("doctors", doctor)
    hand.delete("profiles", profile)


def toggle_staff(hand: Hand) -> None:
    """Somebody of the staff deletes the account, or comes back: a row leaves the migration, or enters it."""
    hand.run(
        "UPDATE profiles SET status = CASE status WHEN 9 THEN 1 ELSE 9 END WHERE id = %s",
        hand.some("staff"),
    )


def swap_codes(hand: Hand) -> None:
    """Two offices exchange their codes, through NULL."""
    one, other = hand.some("office"), hand.some("office")
    (first,) = hand.row("SELECT code FROM offices WHERE id = %s", one)
    (second,) = hand.row("SELECT code FROM offices WHERE id = %s", other)
    hand.run("UPDATE offices SET code = NULL WHERE id = %s", one)
    hand.run("UPDATE offices SET code = %s WHERE id = %s", first, other)
    if one != other:
        hand.run("UPDATE offices SET code = %s WHERE id = %s", second, one)


def swap_licences(hand: Hand) -> None:
    """Two doctors exchange their licence numbers, through a number that nobody has."""
    one, other = hand.some("doctor"), hand.some("doctor")
    (first,) = hand.row("SELECT licence_no FROM doctors WHERE id = %s", one)
    (second,) = hand.row("SELECT licence_no FROM doctors WHERE id = %s", other)
    if one == other:
        raise NothingToChange
    hand.run("UPDATE doctors SET licence_no = %s WHERE id = %s", f"T-{one}", one)
    hand.run("UPDATE doctors SET licence_no = %s WHERE id = %s", first, other)
    hand.run("UPDATE doctors SET licence_no = %s WHERE id = %s", second, one)


# How often each kind comes, out of the sum.
WEIGHTS: dict[Callable[[Hand], None], int] = {
    advance_order: 20,
    new_order: 16,
    move_patient: 8,
    bill_patients: 6,
    rescan_jaws: 6,
    revise_plan: 6,
    switch_plan: 5,
    new_patient: 5,
    write_history: 4,
    delete_order: 6,
    reinsert_order: 4,
    touch_order: 2,
    toggle_staff: 3,
    rekey_patient: 3,
    delete_patient: 3,
    delete_project: 2,
    new_doctor: 2,
    retire_doctor: 1,
    rename_product: 1,
    swap_codes: 2,
    swap_licences: 2,
}

# `projects.plan_id` may name a plan that is gone.
CHILDREN: Children = {
    "patients": (("orders", "patient_id"), ("jaws", "patient_id"), ("projects", "patient_id")),
    "projects": (("treatment_plans", "projekt_id"),),
    "products": (("orders", "sku"),),
}
# Tables whose rows are counted: what was added to them is taken away again in the end.
COUNTED: tuple[LiteralString, ...] = ("orders",)

"""What the users of the clinical tables do."""

from collections.abc import Callable
from typing import LiteralString

from examples.clinic.changes.foundation import TOAST_OCTETS
from examples.clinic.hand import OF_A_PATIENT, Children, Hand

FEE_CENTS = 150_000
# What is noted of a patient who is not archived, or of one from the program before.
NOTED: LiteralString = "(t.kind = 'A' OR EXISTS (SELECT FROM patients AS p WHERE p.id = t.pat_nr AND p.archived = 'N'))"
# A step between known statuses, of an order that is there.
KNOWN_STEP: LiteralString = (
    "t.nach < 10 AND EXISTS (SELECT FROM orders AS o WHERE o.id = t.order_id)"
)
# Tables whose rows have no children, and which rows of them may go.
LEAVES: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("medical_history", NOTED),
    ("treatments", OF_A_PATIENT),
    ("order_status_history", KNOWN_STEP),
    ("measurements", OF_A_PATIENT),
    ("diagnostics", OF_A_PATIENT),
)


def admit_patient(hand: Hand) -> None:
    """A patient with facts, a history, an allergy and a first treatment: five tables."""
    patient = hand.new_id("patients")
    hand.run(
        "INSERT INTO patients (id, office_id, fname, lname, sex, created) VALUES (%s, %s, %s, 'Neu', 'd', %s)",
        *(patient, hand.some("office"), hand.text(4), hand.moment()),
    )
    hand.run(
        "INSERT INTO patient_profiles (patient_id, kasse, notfall, notf_tel, foto_ok, extras, changed)"
        """ VALUES (%s, 'SVS', '', '0650 1234567', 'Y', '{"pets": 1.50}', %s)""",
        *(patient, hand.moment()),
    )
    hand.run(
        "INSERT INTO medical_history (kind, pat_nr, diag, flags, noted) VALUES ('P', %s, %s, 3, %s)",
        *(patient, hand.text(TOAST_OCTETS), hand.moment()),
    )
    _allergy(hand, patient)
    _treatment(hand, patient)


def note_allergy(hand: Hand) -> None:
    """A patient says what else is not borne."""
    _allergy(hand, hand.some("patient"))


def _allergy(hand: Hand, patient: int) -> None:
    hand.run(
        "INSERT INTO allergies (patient_id, substance, severety, noted) VALUES (%s, %s, %s, %s)",
        *(patient, f"Neu {hand.text(4)}", hand.random.choice((None, 1, 4)), hand.moment().date()),
    )


def respell_allergy(hand: Hand) -> None:
    """The same substance in other letters, and another severity."""
    hand.run(
        "UPDATE allergies SET substance = initcap(substance), severety = %s WHERE id = %s",
        *(hand.random.choice((1, 2, 3, 4)), hand.some_of("allergies", OF_A_PATIENT)),
    )


def write_allergy_again(hand: Hand) -> None:
    """A row is deleted, and another with the same patient and substance takes its place."""
    gone = hand.row(
        "DELETE FROM allergies WHERE id = %s RETURNING patient_id, substance",
        hand.some_of("allergies", OF_A_PATIENT),
    )
    hand.run("INSERT INTO allergies (patient_id, substance, severety) VALUES (%s, %s, 2)", *gone)


def note_condition(hand: Hand) -> None:
    """A long note about a patient from the program before."""
    (patient,) = hand.row(
        "SELECT pat_nr FROM patients_2012 ORDER BY md5(pat_nr || %s) LIMIT 1", hand.text(4)
    )
    hand.run(
        "INSERT INTO medical_history (kind, pat_nr, icd, diag, seit, noted) VALUES ('A', %s, 'I10', %s, 1999, %s)",
        *(patient, hand.text(TOAST_OCTETS), hand.moment()),
    )


def flag_condition(hand: Hand) -> None:
    """Other flags; a long note stays as it is and is not sent."""
    hand.run(
        "UPDATE medical_history SET flags = %s WHERE id = %s",
        *(hand.random.randrange(8), hand.some_of("medical_history", NOTED)),
    )


def change_facts(hand: Hand) -> None:
    """A patient works elsewhere and thinks otherwise of photographs; the row is made where there is none."""
    patient = hand.some("patient")
    changed = hand.run(
        "UPDATE patient_profiles SET beruf = %s, foto_ok = 'N', werbung = 1 - werbung WHERE patient_id = %s",
        *(hand.text(6), patient),
    )
    if not changed:
        hand.run(
            "INSERT INTO patient_profiles (patient_id, beruf, kasse, changed) VALUES (%s, %s, 'andere', %s)",
            *(patient, hand.text(6), hand.moment()),
        )


def delete_facts(hand: Hand) -> None:
    """A patient wants less to be known."""
    hand.run("DELETE FROM patient_profiles WHERE patient_id = %s", hand.some("patient"))


def treat(hand: Hand) -> None:
    """A treatment for some patient."""
    _treatment(hand, hand.some("patient"))


def _treatment(hand: Hand, patient: int) -> None:
    hand.run(
        "INSERT INTO treatments (patient_id, dr_id, projekt_id, code, zaehne, honorar, status, treated)"
        " VALUES (%s, %s, %s, 'WKB', %s, %s, 'L', %s)",
        *(patient, hand.some("doctor"), hand.random.choice((None, hand.some("project")))),
        *(hand.random.choice((None, "", "18,17,16")), hand.cents(FEE_CENTS), hand.moment()),
    )


def finish_treatment(hand: Hand) -> None:
    """It is done, and costs something else."""
    hand.run(
        "UPDATE treatments SET status = 'F', honorar = %s WHERE id = %s",
        *(hand.cents(FEE_CENTS), hand.some_of("treatments", OF_A_PATIENT)),
    )


def step_order(hand: Hand) -> None:
    """An order gets on, and its history with it."""
    order = hand.some("order")
    (status,) = hand.row("SELECT status_code FROM orders WHERE id = %s", order)
    following = hand.random.choice((1, 2, 3, 4))
    hand.run("UPDATE orders SET status_code = %s WHERE id = %s", following, order)
    hand.run(
        "INSERT INTO order_status_history (order_id, von, nach, wer, wann)"
        " VALUES (%s, %s, %s, (SELECT profile_id FROM doctors WHERE id = %s), %s)",
        *(order, status, following, hand.some("doctor"), hand.moment()),
    )


def correct_step(hand: Hand) -> None:
    """A step was at another time; it belongs to another order now and then."""
    step = hand.some_of("order_status_history", KNOWN_STEP)
    hand.run("UPDATE order_status_history SET wann = %s WHERE id = %s", hand.moment(), step)
    if hand.random.random() < 1 / 4:
        hand.run(
            "UPDATE order_status_history SET order_id = %s WHERE id = %s",
            *(hand.some("order"), step),
        )


def work_elsewhere(hand: Hand) -> None:
    """A doctor works at another office too, or more often there."""
    hand.run(
        "INSERT INTO doctor_offices (dr_id, office_id, anteil, since) VALUES (%s, %s, 20, %s)"
        " ON CONFLICT (dr_id, office_id) DO UPDATE SET anteil = (doctor_offices.anteil + 5) %% 101",
        *(hand.some("doctor"), hand.some("office"), hand.moment().date()),
    )


def change_office(hand: Hand) -> None:
    """A doctor leaves one office for another: half of the row's key changes."""
    doctor, office = hand.some("doctor"), hand.some("office")
    hand.run(
        "UPDATE doctor_offices AS d SET office_id = %s WHERE dr_id = %s AND office_id ="
        " (SELECT min(o.office_id) FROM doctor_offices AS o WHERE o.dr_id = d.dr_id)"
        " AND NOT EXISTS (SELECT FROM doctor_offices AS o WHERE o.dr_id = d.dr_id AND o.office_id = %s)",
        *(office, doctor, office),
    )


def leave_offices(hand: Hand) -> None:
    """A doctor works at no other office any more."""
    hand.run("DELETE FROM doctor_offices WHERE dr_id = %s", hand.some("doctor"))


def measure(hand: Hand) -> None:
    """Both jaws of a patient are measured, as far as they are known."""
    hand.run(
        "INSERT INTO measurements (patient_id, side, art, wert, einheit, taken)"
        " SELECT patient_id, side, 'Engstand', %s, NULL, %s FROM jaws WHERE patient_id = %s",
        *(hand.random.choice(("3,5", "4.25", "0")), hand.moment(), hand.some("patient")),
    )


def measure_again(hand: Hand) -> None:
    """Another number."""
    hand.run(
        "UPDATE measurements SET wert = %s, anm = 'neu' WHERE id = %s",
        *(f"{hand.cents(90)},{hand.cents(9)}", hand.some_of("measurements", OF_A_PATIENT)),
    )


def examine(hand: Hand) -> None:
    """An X-ray, by the doctor's profile, or another result, by the doctor's own number."""
    doctor = hand.some("doctor")
    (profile,) = hand.row("SELECT profile_id FROM doctors WHERE id = %s", doctor)
    kind, writer = hand.random.choice((("RX", profile), ("LAB", doctor)))
    hand.run(
        "INSERT INTO diagnostics (patient_id, order_id, art, dr_id, befund, taken) VALUES (%s, %s, %s, %s, %s, %s)",
        *(hand.some("patient"), hand.random.choice((None, hand.some("order"))), kind, writer),
        *(f'{{"text": "{hand.text(40)}"}}', hand.moment()),
    )


def read_again(hand: Hand) -> None:
    """Somebody sees something else in a result."""
    hand.run(
        """UPDATE diagnostics SET befund = '{"kv": 60.0, "text": "anders"}', raum = %s WHERE id = %s""",
        *(hand.cents(9), hand.some_of("diagnostics", OF_A_PATIENT)),
    )


def delete_mistake(hand: Hand) -> None:
    """Something was noted of somebody else, or was not so."""
    table, condition = hand.random.choice(LEAVES)
    hand.delete(table, hand.some_of(table, condition))


def add_steps(hand: Hand) -> None:
    """Each plan of a project gets one more step."""
    hand.run(
        "INSERT INTO plan_steps (plan_id, nr, titel, wochen)"
        " SELECT p.id, (SELECT coalesce(max(nr), 0) + 1 FROM plan_steps WHERE plan_id = p.id), %s, 1.5"
        " FROM treatment_plans AS p WHERE p.projekt_id = %s",
        *(hand.text(5), hand.some("project")),
    )


def swap_steps(hand: Hand) -> None:
    """The first two steps of each plan of a project change places, through a number that none has: keys change."""
    project = hand.some("project")
    for number, new in ((1, -1), (2, 1), (-1, 2)):
        hand.run(
            "UPDATE plan_steps SET nr = %s WHERE nr = %s"
            " AND plan_id IN (SELECT id FROM treatment_plans WHERE projekt_id = %s)",
            *(new, number, project),
        )


def tick_step(hand: Hand) -> None:
    """Steps are done, or begin anew."""
    hand.run(
        "UPDATE plan_steps SET erledigt = CASE erledigt WHEN 'Y' THEN 'N' ELSE 'Y' END"
        " WHERE plan_id IN (SELECT id FROM treatment_plans WHERE projekt_id = %s)",
        hand.some("project"),
    )


def drop_steps(hand: Hand) -> None:
    """Plans get by with three steps."""
    hand.run(
        "DELETE FROM plan_steps WHERE nr > 3"
        " AND plan_id IN (SELECT id FROM treatment_plans WHERE projekt_id = %s)",
        hand.some("project"),
    )


def prescribe(hand: Hand) -> None:
    """A prescription for some patient."""
    hand.run(
        "INSERT INTO prescriptions (rx_no, patient_id, dr_id, medikament, dosis, gebuehr, issued)"
        " VALUES (%s, %s, %s, 'Novalgin', ARRAY['1', NULL, '½'], %s, %s)",
        *(f"N-{hand.text(8)}", hand.some("patient"), hand.some("doctor")),
        *(hand.cents(1_500) / 100, hand.moment()),
    )


def fill_prescription(hand: Hand) -> None:
    """The chemist has handed it out."""
    hand.run("UPDATE prescriptions SET status = 'E' WHERE rx_no = %s", _prescription(hand))


def number_prescription(hand: Hand) -> None:
    """It gets another number, which is its key."""
    number = f"R-{hand.text(8)}"
    hand.run("UPDATE prescriptions SET rx_no = %s WHERE rx_no = %s", number, _prescription(hand))


def delete_prescription(hand: Hand) -> None:
    """It was for somebody else."""
    hand.run("DELETE FROM prescriptions WHERE rx_no = %s", _prescription(hand))


def _prescription(hand: Hand) -> object:
    query: LiteralString = (
        "SELECT rx_no FROM prescriptions WHERE status <> 'X' ORDER BY md5(rx_no || %s) LIMIT 1"
    )
    return hand.row(query, hand.text(4))[0]


# How often each kind comes, out of the sum.
WEIGHTS: dict[Callable[[Hand], None], int] = {
    admit_patient: 4,
    note_allergy: 2,
    respell_allergy: 2,
    write_allergy_again: 2,
    note_condition: 2,
    flag_condition: 2,
    change_facts: 3,
    delete_facts: 1,
    treat: 4,
    finish_treatment: 3,
    step_order: 5,
    correct_step: 2,
    work_elsewhere: 2,
    change_office: 1,
    leave_offices: 1,
    measure: 3,
    measure_again: 2,
    examine: 3,
    read_again: 1,
    delete_mistake: 4,
    add_steps: 2,
    swap_steps: 2,
    tick_step: 2,
    drop_steps: 1,
    prescribe: 3,
    fill_prescription: 2,
    number_prescription: 1,
    delete_prescription: 1,
}

# `treatments.projekt_id` and `diagnostics.order_id` may name what is gone. Patients have no number in common with those
# of the program before, nor doctors with profiles.
CHILDREN: Children = {
    "patients": (
        ("patient_profiles", "patient_id"),
        ("medical_history", "pat_nr"),
        ("allergies", "patient_id"),
        ("treatments", "patient_id"),
        ("measurements", "patient_id"),
        ("diagnostics", "patient_id"),
        ("prescriptions", "patient_id"),
    ),
    "orders": (("order_status_history", "order_id"),),
    "treatment_plans": (("plan_steps", "plan_id"),),
    "doctors": (
        ("treatments", "dr_id"),
        ("doctor_offices", "dr_id"),
        ("diagnostics", "dr_id"),
        ("prescriptions", "dr_id"),
    ),
    "profiles": (("diagnostics", "dr_id"),),
    "offices": (("doctor_offices", "office_id"),),
}
COUNTED: tuple[LiteralString, ...] = ()

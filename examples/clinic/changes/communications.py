"""What people write to each other, and take back."""

from collections.abc import Callable
from typing import LiteralString

from examples.clinic.hand import Children, Hand

TOAST_OCTETS = 3_000
# What the migration leaves over stays as it is; staff come and go, so that nothing hangs on their profiles.
LOGIN: LiteralString = "t.kind <> 'S' AND t.status <> 9"
SOUND_MESSAGE: LiteralString = (
    "t.deleted = 'N' AND EXISTS (SELECT FROM threads AS h WHERE h.id = t.thread_id)"
)
SOUND_COMMENT: LiteralString = "t.profile_id IS NOT NULL"
LEAF: LiteralString = (
    "t.profile_id IS NOT NULL AND NOT EXISTS (SELECT FROM comments AS c WHERE c.reply_to = t.id)"
)
NOT_IMPORTED: LiteralString = "t.kind <> 'IMPORT'"
WITH_TEXT: LiteralString = "t.text <> ''"
KNOWN_CODE: LiteralString = "t.code <= 4"
PROPER_MARK: LiteralString = "length(t.note) = 1"


def start_thread(hand: Hand) -> None:
    """A thread and its first messages, the longest kept out of line."""
    thread = hand.new_id("threads")
    hand.run(
        "INSERT INTO threads (id, betreff, kind, patient_id, opened_by, tags, opened)"
        " VALUES (%s, 'Neu', 2, %s, %s, '{neu,NULL}', %s)",
        *(thread, hand.some("patient"), hand.some("staff"), hand.moment()),
    )
    for octets in (8, TOAST_OCTETS):
        _send(hand, thread, octets)


def _send(hand: Hand, thread: int, octets: int) -> None:
    hand.run(
        "INSERT INTO messages (thread_id, sender, body, sent) VALUES (%s, %s, %s, %s)",
        *(thread, hand.some_of("profiles", LOGIN), hand.text(octets), hand.moment()),
    )


def answer(hand: Hand) -> None:
    """One more message."""
    _send(hand, hand.some_of("threads"), 20)


def read_messages(hand: Hand) -> None:
    """All messages of a thread are read; long bodies stay as they are and are not sent."""
    hand.run(
        "UPDATE messages SET gelesen = %s WHERE deleted = 'N' AND thread_id = %s",
        *(hand.moment(), hand.some_of("threads")),
    )


def edit_message(hand: Hand) -> None:
    """A message grows long, or short."""
    body = hand.random.choice(("", "kurz", hand.text(TOAST_OCTETS)))
    hand.run("UPDATE messages SET body = %s WHERE id = %s", body, _message(hand))


def send_again(hand: Hand) -> None:
    """A message is deleted and inserted again, with the same key."""
    gone = hand.row("DELETE FROM messages WHERE id = %s RETURNING *", _message(hand))
    hand.run("INSERT INTO messages VALUES (%s, %s, %s, %s, %s, %s, %s)", *gone)


def delete_message(hand: Hand) -> None:
    """A message goes for good."""
    hand.delete("messages", _message(hand))


def _message(hand: Hand) -> int:
    return hand.some_of("messages", SOUND_MESSAGE)


def close_thread(hand: Hand) -> None:
    """A thread ends, under another name."""
    hand.run(
        "UPDATE threads SET closed = %s, betreff = %s, tags = NULL WHERE id = %s",
        *(hand.moment(), hand.random.choice((None, "", "erledigt")), hand.some_of("threads")),
    )


def drop_thread(hand: Hand) -> None:
    """A new thread goes, after its messages."""
    hand.delete("threads", hand.added("threads"))


def comment(hand: Hand) -> None:
    """A comment on an order or a project, an answer to it and an answer to that."""
    kind = hand.random.choice(("order", "project"))
    parent, letter, subject = None, kind[0].upper(), hand.some(kind)
    for place in range(3):
        new = hand.new_id("comments")
        hand.run(
            "INSERT INTO comments (id, reply_to, subj_type, subj_id, profile_id, body, posted)"
            " VALUES (%s, %s, %s, %s, %s, 'Neu', %s)",
            *(new, parent, *((None, None) if place else (letter, subject))),
            *(hand.some_of("profiles"), hand.moment()),
        )
        parent = new


def reply(hand: Hand) -> None:
    """An answer to a comment that has been there."""
    hand.run(
        "INSERT INTO comments (reply_to, profile_id, body, posted) VALUES (%s, %s, %s, %s)",
        *(hand.some_of("comments", SOUND_COMMENT), hand.some_of("profiles")),
        *(hand.text(hand.random.choice((5, TOAST_OCTETS))), hand.moment()),
    )


def edit_comment(hand: Hand) -> None:
    """A comment says something else."""
    hand.run(
        "UPDATE comments SET body = %s, edits = edits + 1 WHERE id = %s",
        *(hand.text(30), hand.some_of("comments", SOUND_COMMENT)),
    )


def move_answer(hand: Hand) -> None:
    """An answer without answers gets another number, which is its key."""
    hand.rekey("comments", "id", hand.some_of("comments", LEAF), hand.new_id("comments"))


def delete_comment(hand: Hand) -> None:
    """A comment that nobody answered goes."""
    hand.delete("comments", hand.some_of("comments", LEAF))


def notify(hand: Hand) -> None:
    """Some people are told the same."""
    for _ in range(3):
        hand.run(
            "INSERT INTO notifications (profile_id, kind, payload, sent) VALUES (%s, %s, %s, %s)",
            *(hand.some_of("profiles", LOGIN), hand.random.choice(("TERMIN", "NACHRICHT"))),
            *(hand.random.choice((None, '{"n": 1.50, "n": null}')), hand.moment()),
        )


def see_notifications(hand: Hand) -> None:
    """Somebody looks at everything, and clears one away."""
    hand.run(
        "UPDATE notifications SET seen = 'Y' WHERE kind <> 'IMPORT' AND profile_id = %s",
        hand.some_of("profiles", LOGIN),
    )
    hand.delete("notifications", hand.some_of("notifications", NOT_IMPORTED))


def raise_alert(hand: Hand) -> None:
    """A notice for an office, or for all."""
    hand.run(
        "INSERT INTO alerts (office_id, level, text, raised) VALUES (%s, 'W', 'neu', %s)",
        *(hand.random.choice((None, hand.some("office"))), hand.moment()),
    )


def clear_alert(hand: Hand) -> None:
    """A notice is taken down, and one of the new ones deleted."""
    hand.run(
        "UPDATE alerts SET cleared = raised, level = 'I' WHERE id = %s",
        hand.some_of("alerts", WITH_TEXT),
    )
    hand.delete("alerts", hand.added("alerts"))


def give_feedback(hand: Hand) -> None:
    """Somebody says something about the program, with a name or without."""
    hand.run(
        "INSERT INTO feedback (profile_id, code, text, name, tel, created)"
        " VALUES (%s, 2, %s, 'Neu', %s, %s)",
        *(hand.random.choice((None, hand.some("staff"))), hand.random.choice((None, "", "ä\t\\N"))),
        *(hand.random.choice((None, "0043 1 7654321")), hand.moment()),
    )


def answer_feedback(hand: Hand) -> None:
    """Feedback is answered and put under another heading; another one is thrown away."""
    hand.run(
        "UPDATE feedback SET answered = 'Y', code = %s WHERE id = %s",
        *(1 + hand.random.randrange(4), hand.some_of("feedback", KNOWN_CODE)),
    )
    hand.delete("feedback", hand.some_of("feedback", KNOWN_CODE))


def review(hand: Hand) -> None:
    """A patient marks a doctor."""
    hand.run(
        "INSERT INTO reviews (dr_id, patient_id, note, comment, created) VALUES (%s, %s, %s, %s, %s)",
        *(hand.some("doctor"), hand.some("patient"), hand.random.choice("12345")),
        *(hand.random.choice((None, hand.text(TOAST_OCTETS))), hand.moment()),
    )


def publish_review(hand: Hand) -> None:
    """A review is shown, another one is taken back."""
    hand.run(
        "UPDATE reviews SET public = 'Y', note = %s WHERE id = %s",
        *(hand.random.choice("12345"), hand.some_of("reviews", PROPER_MARK)),
    )
    hand.delete("reviews", hand.some_of("reviews", PROPER_MARK))


# How often each kind comes, out of the sum.
WEIGHTS: dict[Callable[[Hand], None], int] = {
    start_thread: 4,
    answer: 8,
    read_messages: 5,
    edit_message: 4,
    send_again: 3,
    delete_message: 3,
    close_thread: 3,
    drop_thread: 2,
    comment: 4,
    reply: 5,
    edit_comment: 4,
    move_answer: 2,
    delete_comment: 3,
    notify: 4,
    see_notifications: 4,
    raise_alert: 3,
    clear_alert: 3,
    give_feedback: 3,
    answer_feedback: 3,
    review: 4,
    publish_review: 3,
}

# Comments outlive what they are about; who opened a thread, wrote a comment or gave feedback may be gone.
CHILDREN: Children = {
    "patients": (("threads", "patient_id"), ("reviews", "patient_id")),
    "profiles": (("messages", "sender"), ("notifications", "profile_id")),
    "doctors": (("reviews", "dr_id"),),
    "threads": (("messages", "thread_id"),),
}
COUNTED: tuple[LiteralString, ...] = ()

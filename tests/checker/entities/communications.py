"""Communications: what people write to each other."""

from tests.checker.entities.foundation import phone_number
from tests.checker.entity import Entity, reference

COMMUNICATIONS = (
    Entity(
        name="threads",
        references={
            "patient_id": reference("patients", "park"),
            "opened_by": reference("profiles", "null"),
        },
    ),
    Entity(
        name="messages",
        references={
            "thread_id": reference("threads", "park"),
            "sender_id": reference("profiles", "park"),
        },
    ),
    Entity(
        name="comments",
        references={
            "reply_to": reference("comments", "park"),
            "order_id": reference("orders", "null"),
            "project_id": reference("projects", "null"),
            "author_id": reference("profiles", "null"),
        },
    ),
    Entity(name="notifications", references={"profile_id": reference("profiles", "park")}),
    Entity(name="alerts", references={"office_id": reference("offices", "park")}),
    Entity(
        name="feedback",
        references={"profile_id": reference("profiles", "null")},
        conversions={"phone": phone_number},
    ),
    Entity(
        name="reviews",
        references={
            "doctor_id": reference("doctors", "park"),
            "patient_id": reference("patients", "park"),
        },
    ),
)

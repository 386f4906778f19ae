"""The technical tables: laboratory work, files, and what the program keeps about itself."""

from tests.checker.entity import Entity, reference

TECHNICAL = (
    Entity(
        name="technicians",
        references={"profile_id": reference("profiles", "null")},
        money=("hourly_rate",),
    ),
    Entity(name="technician_roles", money=("hourly_rate",)),
    Entity(
        name="cases",
        references={
            "order_id": reference("orders", "park"),
            "patient_id": reference("patients", "park"),
        },
    ),
    Entity(
        name="case_states",
        references={
            "case_id": reference("cases", "park"),
            "technician_id": reference("technicians", "null"),
        },
    ),
    Entity(
        name="tasks",
        references={
            "case_id": reference("cases", "park"),
            "technician_id": reference("technicians", "park"),
            "role_id": reference("technician_roles", "park"),
        },
    ),
    Entity(name="files", unique_by="unique_key"),
    Entity(
        name="attachments",
        references={
            "file_id": reference("files", "park"),
            "order_id": reference("orders", "null"),
            "case_id": reference("cases", "null"),
            "project_id": reference("projects", "null"),
        },
    ),
    Entity(
        name="documents",
        key=("doc_no",),
        references={
            "patient_id": reference("patients", "park"),
            "file_id": reference("files", "park"),
        },
    ),
    Entity(name="images", references={"file_id": reference("files", "park")}),
    Entity(name="settings", references={"office_id": reference("offices", "park")}),
    Entity(
        name="system_config",
        key=("name",),
        references={"updated_by": reference("profiles", "keep")},
    ),
    Entity(name="app_log", references={"profile_id": reference("profiles", "keep")}),
    Entity(name="roles"),
    Entity(
        name="permissions",
        key=("role_id", "name"),
        references={"role_id": reference("roles", "park")},
    ),
)

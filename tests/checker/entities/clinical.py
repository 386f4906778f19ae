"""The clinical entities: what is known of patients and done for them."""

from tests.checker.entities.foundation import phone_number
from tests.checker.entity import Entity, reference

CLINICAL = (
    Entity(
        name="patient_profiles",
        key=("patient_id",),
        references={"patient_id": reference("patients", "park")},
        conversions={"emergency_phone": phone_number},
    ),
    Entity(
        name="medical_history",
        references={
            "patient_id": reference("patients", "park"),
            # None of them is ever missing.
            "former_patient_id": reference("patients_2012", "keep"),
        },
    ),
    Entity(
        name="allergies",
        references={"patient_id": reference("patients", "park")},
        unique_by="once",
    ),
    Entity(
        name="treatments",
        references={
            "patient_id": reference("patients", "park"),
            "doctor_id": reference("doctors", "park"),
            "project_id": reference("projects", "null"),
        },
        money=("fee",),
    ),
    Entity(
        name="order_status_history",
        references={
            "order_id": reference("orders", "park"),
            "changed_by": reference("profiles", "keep"),
        },
    ),
    Entity(
        name="doctor_offices",
        key=("dr_id", "office_id"),
        references={
            "doctor_id": reference("doctors", "park"),
            "office_id": reference("offices", "park"),
        },
    ),
    Entity(name="measurements", references={"jaw_id": reference("jaws", "park")}),
    Entity(
        name="diagnostics",
        references={
            "patient_id": reference("patients", "park"),
            "order_id": reference("orders", "null"),
            "doctor_id": reference("doctors", "park"),
        },
    ),
    Entity(
        name="plan_steps",
        key=("plan_id", "nr"),
        references={"plan_id": reference("treatment_plans", "park")},
    ),
    Entity(
        name="prescriptions",
        key=("rx_no",),
        references={
            "patient_id": reference("patients", "park"),
            "doctor_id": reference("doctors", "park"),
        },
        money=("fee",),
    ),
)

-- What the core tables hold, for whoever meets them without the migration's files.
COMMENT ON TABLE clinic.offices IS 'A practice at one address';
COMMENT ON COLUMN clinic.offices.code IS 'Short code on printed forms; NULL while two offices exchange theirs';
COMMENT ON TABLE clinic.profiles IS 'A person who may log in: doctor, patient or staff';
COMMENT ON COLUMN clinic.profiles.phone IS 'E.164';
COMMENT ON TABLE clinic.doctors IS 'A licensed doctor and the office that he or she works for';
COMMENT ON COLUMN clinic.doctors.office_id IS 'NULL where the office was closed and deleted';
COMMENT ON TABLE clinic.patients IS 'A patient of one office';
COMMENT ON COLUMN clinic.patients.balance IS 'What the patient owes (positive) or has paid ahead, in currency';
COMMENT ON TABLE clinic.products IS 'What can be ordered from the laboratory';
COMMENT ON TABLE clinic.orders IS 'An order of one product for one patient';
COMMENT ON COLUMN clinic.orders.priority IS '0 (can wait) to 9 (at once)';
COMMENT ON COLUMN clinic.orders.referrer_id IS 'The doctor who referred the patient; may be gone, hence no foreign key';
COMMENT ON COLUMN clinic.orders.legacy_meta IS 'Legacy columns without a place in the new model';
COMMENT ON TABLE clinic.jaws IS 'The present scan of one jaw of a patient';
COMMENT ON TABLE clinic.projects IS 'A course of treatment of one patient';
COMMENT ON COLUMN clinic.projects.active_plan_id IS 'The plan in force; the older ones stay as history';
COMMENT ON TABLE clinic.treatment_plans IS 'One plan of a project';
COMMENT ON COLUMN clinic.treatment_plans.cost IS 'Estimate in euros';

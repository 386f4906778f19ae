-- Row level security. The owner of the tables, who migrates them, is not subject to it; the service sees and writes
-- everything; everybody else what the list says, and nobody deletes. Where no person is named, nothing is visible.

DO $$
DECLARE
    table_name text;
BEGIN
    FOR table_name IN SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'clinic' LOOP
        EXECUTE format('ALTER TABLE clinic.%I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY service ON clinic.%I TO clinic_service USING (true) WITH CHECK (true)', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON clinic.%I TO clinic_service', table_name);
    END LOOP;
END
$$;

-- Which roles may do what with which rows of a table. A condition that asks for the rows of another table means those of
-- them that the role sees: who sees a project sees its plans. What an update leaves behind fulfils the condition, too.
DO $$
DECLARE
    rule record;
    role_name text;
    verb text;
BEGIN
    FOR rule IN SELECT * FROM (VALUES
        -- What everybody may know who is somebody.
        ('offices',            'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('office_hours',       'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('doctors',            'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('doctor_offices',     'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('products',           'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('product_categories', 'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('product_prices',     'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('roles',              'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('permissions',        'patient doctor staff technician', 'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('technician_roles',   'doctor staff technician',         'SELECT', '(SELECT clinic.me()) IS NOT NULL'),
        ('discounts',          'doctor staff',                    'SELECT', '(SELECT clinic.me()) IS NOT NULL'),

        -- Persons.
        ('profiles', 'patient technician', 'SELECT', 'id = (SELECT clinic.me())'),
        ('profiles', 'doctor', 'SELECT', 'id = (SELECT clinic.me()) OR id IN (SELECT profile_id FROM clinic.patients)'),
        ('profiles', 'staff', 'SELECT', 'id = (SELECT clinic.me()) OR id IN (SELECT profile_id FROM clinic.patients)'
            ' OR id IN (SELECT profile_id FROM clinic.office_staff)'),
        ('profiles', 'patient doctor staff technician', 'UPDATE (email, phone, language, preferences, about)', 'id = (SELECT clinic.me())'),
        ('patients', 'patient', 'SELECT, UPDATE (phone)', 'profile_id = (SELECT clinic.me())'),
        ('patients', 'doctor', 'SELECT, INSERT, UPDATE', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('patients', 'staff', 'SELECT, INSERT, UPDATE', 'office_id IN (SELECT clinic.staff_offices())'),
        ('patient_profiles', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('patient_profiles', 'patient', 'UPDATE (emergency_contact, emergency_phone, photo_consent, marketing_consent)',
            'patient_id IN (SELECT id FROM clinic.patients)'),
        ('patient_profiles', 'staff', 'INSERT, UPDATE', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('technicians', 'technician', 'SELECT', 'profile_id = (SELECT clinic.me())'),

        -- What is known of patients and done for them.
        ('medical_history', 'patient doctor', 'SELECT',
            'patient_id IN (SELECT id FROM clinic.patients) OR former_patient_id IN (SELECT id FROM clinic.patients)'),
        ('medical_history', 'doctor', 'INSERT, UPDATE',
            'patient_id IN (SELECT id FROM clinic.patients) OR former_patient_id IN (SELECT id FROM clinic.patients)'),
        ('medical_history', 'staff', 'SELECT',
            'NOT confidential AND (patient_id IN (SELECT id FROM clinic.patients) OR former_patient_id IN (SELECT id FROM clinic.patients))'),
        ('allergies', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('allergies', 'doctor', 'INSERT, UPDATE', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('jaws', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('jaws', 'doctor', 'INSERT, UPDATE', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('measurements', 'patient doctor staff', 'SELECT', 'jaw_id IN (SELECT id FROM clinic.jaws)'),
        ('measurements', 'doctor', 'INSERT, UPDATE', 'jaw_id IN (SELECT id FROM clinic.jaws)'),
        ('projects', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('projects', 'doctor', 'INSERT, UPDATE', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('treatment_plans', 'patient doctor staff', 'SELECT', 'project_id IN (SELECT id FROM clinic.projects)'),
        ('treatment_plans', 'doctor', 'INSERT, UPDATE',
            'doctor_id IN (SELECT clinic.own_doctors()) AND project_id IN (SELECT id FROM clinic.projects)'),
        ('plan_steps', 'patient doctor staff', 'SELECT', 'plan_id IN (SELECT id FROM clinic.treatment_plans)'),
        ('plan_steps', 'doctor', 'INSERT, UPDATE', 'plan_id IN (SELECT id FROM clinic.treatment_plans)'),
        ('treatments', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('treatments', 'doctor', 'INSERT, UPDATE',
            'doctor_id IN (SELECT clinic.own_doctors()) AND patient_id IN (SELECT id FROM clinic.patients)'),
        ('diagnostics', 'patient doctor', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('diagnostics', 'doctor', 'INSERT, UPDATE',
            'doctor_id IN (SELECT clinic.own_doctors()) AND patient_id IN (SELECT id FROM clinic.patients)'),
        ('prescriptions', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('prescriptions', 'doctor', 'INSERT, UPDATE',
            'doctor_id IN (SELECT clinic.own_doctors()) AND patient_id IN (SELECT id FROM clinic.patients)'),
        ('documents', 'patient doctor staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('documents', 'doctor staff', 'INSERT, UPDATE', 'patient_id IN (SELECT id FROM clinic.patients)'),

        -- Orders, and the laboratory's work on them.
        ('orders', 'patient staff', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('orders', 'doctor', 'SELECT, INSERT, UPDATE', 'doctor_id IN (SELECT clinic.own_doctors())'),
        ('orders', 'technician', 'SELECT', 'id IN (SELECT order_id FROM clinic.cases)'),
        ('order_status_history', 'patient doctor staff technician', 'SELECT', 'order_id IN (SELECT id FROM clinic.orders)'),
        ('order_status_history', 'doctor technician', 'INSERT',
            'changed_by = (SELECT clinic.me()) AND order_id IN (SELECT id FROM clinic.orders)'),
        ('cases', 'doctor staff', 'SELECT',
            'order_id IN (SELECT id FROM clinic.orders) OR patient_id IN (SELECT id FROM clinic.patients)'),
        ('cases', 'technician', 'SELECT, UPDATE (state, priority, closed_at, details)', 'id IN (SELECT clinic.technicians_cases())'),
        ('case_states', 'doctor staff technician', 'SELECT', 'case_id IN (SELECT id FROM clinic.cases)'),
        ('case_states', 'technician', 'INSERT',
            'technician_id IN (SELECT clinic.own_technicians()) AND case_id IN (SELECT id FROM clinic.cases)'),
        ('tasks', 'technician', 'SELECT, UPDATE (technician_id, minutes, state)',
            'technician_id IN (SELECT clinic.own_technicians()) OR technician_id IS NULL AND EXISTS (SELECT FROM clinic.own_technicians())'),
        ('attachments', 'patient', 'SELECT',
            'order_id IN (SELECT id FROM clinic.orders) OR project_id IN (SELECT id FROM clinic.projects)'),
        ('attachments', 'doctor staff', 'SELECT, INSERT',
            'order_id IN (SELECT id FROM clinic.orders) OR project_id IN (SELECT id FROM clinic.projects)'
            ' OR case_id IN (SELECT id FROM clinic.cases)'),
        ('attachments', 'technician', 'SELECT, INSERT', 'case_id IN (SELECT id FROM clinic.cases)'),
        ('files', 'patient doctor staff', 'SELECT',
            'id IN (SELECT file_id FROM clinic.attachments) OR id IN (SELECT file_id FROM clinic.documents)'),
        ('files', 'technician', 'SELECT', 'id IN (SELECT file_id FROM clinic.attachments)'),
        ('files', 'doctor staff technician', 'INSERT', '(SELECT clinic.me()) IS NOT NULL'),
        ('images', 'patient doctor staff technician', 'SELECT', 'file_id IN (SELECT id FROM clinic.files)'),
        ('images', 'doctor technician', 'INSERT', 'file_id IN (SELECT id FROM clinic.files)'),

        -- The offices' business.
        ('office_rooms', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('office_rooms', 'staff', 'SELECT, UPDATE (name, equipment, blocked_until, updated_at)', 'office_id IN (SELECT clinic.staff_offices())'),
        ('office_staff', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('office_staff', 'staff', 'SELECT', 'office_id IN (SELECT clinic.staff_offices())'),
        ('stock_items', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('stock_items', 'staff', 'SELECT, INSERT, UPDATE', 'office_id IN (SELECT clinic.staff_offices())'),
        ('stock_movements', 'doctor staff', 'SELECT', 'item_id IN (SELECT id FROM clinic.stock_items)'),
        ('stock_movements', 'staff', 'INSERT', 'item_id IN (SELECT id FROM clinic.stock_items)'),
        ('offers', 'patient', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('offers', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('offers', 'staff', 'SELECT, INSERT, UPDATE', 'office_id IN (SELECT clinic.staff_offices())'),
        ('offer_items', 'patient doctor staff', 'SELECT', 'offer_id IN (SELECT id FROM clinic.offers)'),
        ('offer_items', 'staff', 'INSERT, UPDATE', 'offer_id IN (SELECT id FROM clinic.offers)'),
        ('invoices', 'patient', 'SELECT', 'patient_id IN (SELECT id FROM clinic.patients)'),
        ('invoices', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('invoices', 'staff', 'SELECT, INSERT, UPDATE', 'office_id IN (SELECT clinic.staff_offices())'),
        ('invoice_items', 'patient doctor staff', 'SELECT', 'invoice_id IN (SELECT id FROM clinic.invoices)'),
        ('invoice_items', 'staff', 'INSERT, UPDATE', 'invoice_id IN (SELECT id FROM clinic.invoices)'),
        ('payments', 'patient', 'SELECT', 'invoice_id IN (SELECT id FROM clinic.invoices)'),
        ('payments', 'staff', 'SELECT, INSERT', 'office_id IN (SELECT clinic.staff_offices())'),
        ('ledger_entries', 'staff', 'SELECT, INSERT', 'office_id IN (SELECT clinic.staff_offices())'),
        ('settings', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('settings', 'staff', 'SELECT, UPDATE (value, updated_at)', 'office_id IN (SELECT clinic.staff_offices())'),
        ('alerts', 'doctor', 'SELECT', 'office_id IN (SELECT clinic.doctors_offices())'),
        ('alerts', 'staff', 'SELECT, UPDATE (cleared_at)', 'office_id IN (SELECT clinic.staff_offices())'),

        -- What people write to each other.
        ('threads', 'patient doctor staff technician', 'SELECT', 'id IN (SELECT clinic.own_threads())'),
        ('threads', 'doctor staff technician', 'INSERT', 'opened_by = (SELECT clinic.me())'),
        ('threads', 'patient', 'INSERT',
            'opened_by = (SELECT clinic.me()) AND (patient_id IS NULL OR patient_id IN (SELECT id FROM clinic.patients))'),
        ('messages', 'patient doctor staff technician', 'SELECT', 'thread_id IN (SELECT id FROM clinic.threads)'),
        ('messages', 'patient doctor staff technician', 'INSERT',
            'sender_id = (SELECT clinic.me()) AND thread_id IN (SELECT id FROM clinic.threads)'),
        ('comments', 'patient doctor staff', 'SELECT', 'author_id = (SELECT clinic.me())'
            ' OR order_id IN (SELECT id FROM clinic.orders) OR project_id IN (SELECT id FROM clinic.projects)'),
        ('comments', 'patient doctor staff', 'INSERT', 'author_id = (SELECT clinic.me())'
            ' AND (order_id IN (SELECT id FROM clinic.orders) OR project_id IN (SELECT id FROM clinic.projects))'),
        ('notifications', 'patient doctor staff technician', 'SELECT, UPDATE (seen)', 'profile_id = (SELECT clinic.me())'),
        ('feedback', 'patient doctor staff technician', 'SELECT, INSERT', 'profile_id = (SELECT clinic.me())'),
        ('reviews', 'patient', 'SELECT', 'published AND (SELECT clinic.me()) IS NOT NULL OR patient_id IN (SELECT id FROM clinic.patients)'),
        ('reviews', 'patient', 'INSERT', 'NOT published AND patient_id IN (SELECT id FROM clinic.patients)'),
        ('reviews', 'doctor', 'SELECT', 'published AND (SELECT clinic.me()) IS NOT NULL OR doctor_id IN (SELECT clinic.own_doctors())'),
        ('reviews', 'staff', 'SELECT, UPDATE (published)',
            'doctor_id IN (SELECT id FROM clinic.doctors WHERE office_id IN (SELECT clinic.staff_offices()))')
        -- For the service alone: app_log, system_config.
    ) AS list (table_name, roles, verbs, condition) LOOP
        FOREACH role_name IN ARRAY string_to_array(rule.roles, ' ') LOOP
            EXECUTE format('GRANT %s ON clinic.%I TO clinic_%s', rule.verbs, rule.table_name, role_name);
            FOR verb IN SELECT unnest(regexp_matches(rule.verbs, 'SELECT|INSERT|UPDATE', 'g')) LOOP
                EXECUTE format('CREATE POLICY %I ON clinic.%I FOR %s TO clinic_%s %s',
                    lower(role_name || '_' || verb), rule.table_name, verb, role_name,
                    replace(CASE verb WHEN 'SELECT' THEN 'USING (%)' WHEN 'INSERT' THEN 'WITH CHECK (%)'
                        ELSE 'USING (%) WITH CHECK (%)' END, '%', rule.condition));
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

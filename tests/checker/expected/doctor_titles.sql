-- What these rows say of the person is in profiles.sql.
SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead, profile_id::text AS id
FROM public.doctors

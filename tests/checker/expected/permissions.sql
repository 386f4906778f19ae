-- No name of a permission holds anything that JSON would escape.
SELECT format('["%s","%s"]', role_id, name) AS legacy_key, false AS excluded, NULL::text AS dead,
       role_id::text AS role_id, name, granted <> 'N' AS granted, since AS granted_on
FROM public.permissions

SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead, name, beschr AS description FROM public.roles

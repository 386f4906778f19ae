SELECT kennung::text AS legacy_key, false AS excluded,
       CASE WHEN art NOT IN ('B', 'R', 'L', 'W') THEN 'kind' WHEN plaetze <= 0 THEN 'seats' END AS dead,
       office_id::text AS office_id, kennung AS code, bezeichnung AS name,
       CASE art WHEN 'B' THEN 'treatment' WHEN 'R' THEN 'x_ray' WHEN 'L' THEN 'laboratory' ELSE 'waiting' END AS kind,
       CASE WHEN plaetze IS NULL THEN 1 ELSE plaetze END AS seats,
       austattung AS equipment, gesperrt_bis AS blocked_until,
       timezone('Europe/Vienna', changed) AS updated_at
FROM public.office_rooms

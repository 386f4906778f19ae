SELECT id::text AS legacy_key, false AS excluded, CASE WHEN wert !~ '^\d+([,.]\d+)?$' THEN 'words' END AS dead,
       format('["%s","%s"]', patient_id, side) AS jaw_id,
       CASE art WHEN 'Zahnbogen' THEN 'arch' WHEN 'Engstand' THEN 'crowding' WHEN 'Winkel' THEN 'angle' ELSE art END AS kind,
       CASE WHEN wert ~ '^\d+([,.]\d+)?$' THEN translate(wert, ',', '.')::numeric(10, 3) END AS value,
       CASE WHEN einheit IS NULL THEN 'mm' WHEN einheit = 'Grad' THEN 'deg' WHEN einheit = '%' THEN 'percent' ELSE einheit END AS unit,
       anm AS remark,
       timezone('Europe/Vienna', taken) AS measured_at
FROM public.measurements

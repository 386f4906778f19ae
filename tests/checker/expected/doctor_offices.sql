SELECT format('["%s","%s"]', dr_id, office_id) AS legacy_key, false AS excluded,
       CASE WHEN anteil < 0 OR anteil > 100 THEN 'share' END AS dead,
       dr_id::text AS doctor_id, office_id::text AS office_id,
       (anteil * 0.01)::numeric(3, 2) AS share_of_week,
       since
FROM public.doctor_offices

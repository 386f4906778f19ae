SELECT format('["%s","%s","%s"]', office_id, wochentag, nr) AS legacy_key, false AS excluded, NULL::text AS dead,
       office_id::text AS office_id, wochentag AS weekday, nr AS period,
       make_time(left(von, 2)::integer, right(von, 2)::integer, 0) AS opens_at,
       make_time(left(bis, 2)::integer, right(bis, 2)::integer, 0) AS closes_at,
       by_appt <> 'N' AS by_appointment
FROM public.office_hours

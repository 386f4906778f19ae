WITH words (german, english) AS (
    VALUES ('NEU', 'new'), ('IN_ARBEIT', 'in_progress'), ('WARTET', 'waiting'), ('QS', 'quality_control'), ('FERTIG', 'done')
)
SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN later.english IS NULL OR (von IS NOT NULL AND earlier.english IS NULL) THEN 'state' END AS dead,
       fall_nr::text AS case_id, earlier.english AS from_state, later.english AS to_state, tech_id::text AS technician_id,
       note, timezone('Europe/Vienna', at) AS changed_at
FROM public.case_states
LEFT JOIN words AS earlier ON earlier.german = von
LEFT JOIN words AS later ON later.german = nach

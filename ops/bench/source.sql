-- The 14-column table of the measurements, 207 bytes a row; %(rows)s rows.
CREATE TABLE public.tasks (
    id bigint PRIMARY KEY, order_id int, assignee_id int, title text NOT NULL, description text, status smallint NOT NULL,
    priority int, price numeric(12,2), is_done boolean NOT NULL, due date, created_at timestamptz NOT NULL, updated_at timestamptz,
    meta jsonb, code varchar(20));
CREATE TABLE public.orders (id int PRIMARY KEY);
CREATE TABLE public.people (id int PRIMARY KEY);
INSERT INTO public.tasks
SELECT i, i %% 23272, i %% 31, 'Task number ' || i, 'Polish aligner tray for order ' || (i %% 23272) || ' and ship to office ' || (i %% 300), i %% 6,
    i %% 4, (i %% 100000) / 100.0, i %% 2 = 0, date '2020-01-01' + (i %% 1500), timestamptz '2020-01-01' + i * interval '1 minute',
    CASE WHEN i %% 3 = 0 THEN NULL ELSE timestamptz '2020-01-02' + i * interval '1 minute' END,
    CASE WHEN %(wide)s THEN jsonb_build_object('k', i, 'text', repeat(md5(i::text), 250)) ELSE jsonb_build_object('k', i, 'src', 'legacy') END,
    'T-' || i
FROM generate_series(1, %(rows)s) AS i;
ANALYZE public.tasks

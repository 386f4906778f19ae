-- Where the 14-column table goes.
CREATE SCHEMA app;
CREATE TABLE app.tasks (
    id uuid PRIMARY KEY, order_id uuid, assignee_id uuid, title text NOT NULL, description text, status text, priority int,
    price numeric(12,2), is_done boolean NOT NULL, due date, created_at timestamptz, updated_at timestamptz, meta jsonb, code text);
CREATE TABLE app.orders (id uuid PRIMARY KEY);
CREATE TABLE app.people (id uuid PRIMARY KEY)

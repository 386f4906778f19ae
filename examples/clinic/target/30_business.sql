-- Offices at work, prices, stock, offers, invoices and money.
CREATE TYPE clinic.room_kind AS ENUM ('treatment', 'x_ray', 'laboratory', 'waiting');
CREATE TYPE clinic.staff_function AS ENUM ('reception', 'assistance', 'hygiene', 'management');
CREATE TYPE clinic.movement_kind AS ENUM ('received', 'used', 'returned', 'inventory');
CREATE TYPE clinic.offer_status AS ENUM ('open', 'accepted', 'refused', 'lapsed');
CREATE TYPE clinic.invoice_status AS ENUM ('draft', 'sent', 'paid', 'reminded', 'written_off');
CREATE TYPE clinic.payment_method AS ENUM ('cash', 'card', 'transfer', 'direct_debit');
CREATE TYPE clinic.ledger_side AS ENUM ('debit', 'credit');

CREATE TABLE clinic.office_hours (
    id             uuid PRIMARY KEY,
    office_id      uuid NOT NULL REFERENCES clinic.offices,
    weekday        smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    period         smallint NOT NULL,
    opens_at       time NOT NULL,
    closes_at      time NOT NULL,
    by_appointment boolean NOT NULL,
    UNIQUE (office_id, weekday, period),
    CHECK (opens_at < closes_at)
);

CREATE TABLE clinic.office_rooms (
    id            uuid PRIMARY KEY,
    office_id     uuid NOT NULL REFERENCES clinic.offices,
    code          text NOT NULL UNIQUE,
    name          text,
    kind          clinic.room_kind NOT NULL,
    seats         smallint NOT NULL CHECK (seats > 0),
    equipment     text[],
    blocked_until date,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX office_rooms_office_id ON clinic.office_rooms (office_id);

CREATE TABLE clinic.office_staff (
    id           uuid PRIMARY KEY,
    profile_id   uuid NOT NULL,
    office_id    uuid NOT NULL REFERENCES clinic.offices,
    function     clinic.staff_function,
    weekly_hours numeric(4, 1) CHECK (weekly_hours > 0),
    employed_on  date NOT NULL,
    left_on      date,
    permissions  jsonb
);
CREATE INDEX office_staff_profile_id ON clinic.office_staff (profile_id);
CREATE INDEX office_staff_office_id ON clinic.office_staff (office_id);

CREATE TABLE clinic.product_categories (
    id        uuid PRIMARY KEY,
    parent_id uuid REFERENCES clinic.product_categories,
    name      text NOT NULL,
    position  integer NOT NULL,
    active    boolean NOT NULL
);
CREATE INDEX product_categories_parent_id ON clinic.product_categories (parent_id);

CREATE TABLE clinic.product_prices (
    id         uuid PRIMARY KEY,
    product_id uuid NOT NULL REFERENCES clinic.products,
    valid_from date NOT NULL,
    in_force   boolean NOT NULL,
    price      numeric(14, 2) NOT NULL CHECK (price >= 0),
    currency   char(3) NOT NULL,
    tiers      jsonb,
    UNIQUE (product_id, valid_from)
);

CREATE TABLE clinic.stock_items (
    id             uuid PRIMARY KEY,
    office_id      uuid NOT NULL REFERENCES clinic.offices,
    product_id     uuid NOT NULL REFERENCES clinic.products,
    category_id    uuid REFERENCES clinic.product_categories,
    room_id        uuid REFERENCES clinic.office_rooms,
    quantity       integer NOT NULL,
    reorder_level  integer NOT NULL CHECK (reorder_level >= 0),
    purchase_price numeric(14, 2) NOT NULL CHECK (purchase_price >= 0),
    expires_on     date,
    labels         text[] NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX stock_items_office_id ON clinic.stock_items (office_id);
CREATE INDEX stock_items_product_id ON clinic.stock_items (product_id);
CREATE INDEX stock_items_category_id ON clinic.stock_items (category_id);
CREATE INDEX stock_items_room_id ON clinic.stock_items (room_id);

CREATE TABLE clinic.stock_movements (
    id       uuid PRIMARY KEY,
    item_id  uuid REFERENCES clinic.stock_items,
    kind     clinic.movement_kind NOT NULL,
    quantity integer NOT NULL,
    moved_at timestamptz NOT NULL,
    moved_by text,
    remark   text,
    CHECK (kind = 'inventory' OR (quantity < 0) = (kind = 'used'))
);
CREATE INDEX stock_movements_item_id ON clinic.stock_movements (item_id);

CREATE TABLE clinic.discounts (
    id          uuid PRIMARY KEY,
    code        text NOT NULL UNIQUE CHECK (code = upper(code)),
    description text,
    percent     smallint CHECK (percent BETWEEN 1 AND 100),
    amount      numeric(14, 2) CHECK (amount > 0),
    validity    daterange NOT NULL,
    active      boolean NOT NULL,
    CHECK (num_nonnulls(percent, amount) = 1)
);

CREATE TABLE clinic.offers (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL REFERENCES clinic.patients,
    office_id   uuid NOT NULL REFERENCES clinic.offices,
    plan_id     uuid REFERENCES clinic.treatment_plans,
    discount_id uuid REFERENCES clinic.discounts,
    status      clinic.offer_status NOT NULL,
    total       numeric(14, 2) NOT NULL CHECK (total >= 0),
    currency    char(3) NOT NULL,
    valid_until date,
    terms       jsonb,
    created_at  timestamptz NOT NULL
);
CREATE INDEX offers_patient_id ON clinic.offers (patient_id);
CREATE INDEX offers_office_id ON clinic.offers (office_id);
CREATE INDEX offers_plan_id ON clinic.offers (plan_id);
CREATE INDEX offers_discount_id ON clinic.offers (discount_id);

CREATE TABLE clinic.offer_items (
    id          uuid PRIMARY KEY,
    offer_id    uuid NOT NULL REFERENCES clinic.offers,
    position    smallint NOT NULL,
    product_id  uuid REFERENCES clinic.products,
    description text NOT NULL,
    quantity    numeric(8, 2) NOT NULL CHECK (quantity > 0),
    unit_price  numeric(14, 2) NOT NULL,
    UNIQUE (offer_id, position)
);
CREATE INDEX offer_items_product_id ON clinic.offer_items (product_id);

CREATE TABLE clinic.invoices (
    id         uuid PRIMARY KEY,
    number     text NOT NULL UNIQUE,
    patient_id uuid REFERENCES clinic.patients,
    office_id  uuid NOT NULL REFERENCES clinic.offices,
    order_id   uuid REFERENCES clinic.orders,
    status     clinic.invoice_status NOT NULL,
    net        numeric(14, 2) NOT NULL CHECK (net >= 0),
    vat        numeric(14, 2) NOT NULL CHECK (vat >= 0),
    gross      numeric(14, 2) NOT NULL CHECK (gross = net + vat),
    currency   char(3) NOT NULL CHECK (currency IN ('EUR', 'CHF')),
    address    jsonb,
    issued_at  timestamptz NOT NULL,
    due_on     date
);
CREATE INDEX invoices_patient_id ON clinic.invoices (patient_id);
CREATE INDEX invoices_office_id ON clinic.invoices (office_id);
CREATE INDEX invoices_order_id ON clinic.invoices (order_id);

CREATE TABLE clinic.invoice_items (
    id               uuid PRIMARY KEY,
    invoice_id       uuid NOT NULL REFERENCES clinic.invoices,
    position         smallint NOT NULL,
    product_id       uuid REFERENCES clinic.products,
    description      text,
    quantity         numeric(8, 2) NOT NULL CHECK (quantity > 0),
    unit_price       numeric(14, 2) NOT NULL,
    discount_percent smallint NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
    UNIQUE (invoice_id, position)
);
CREATE INDEX invoice_items_product_id ON clinic.invoice_items (product_id);

CREATE TABLE clinic.payments (
    id            uuid PRIMARY KEY,
    office_id     uuid NOT NULL REFERENCES clinic.offices,
    invoice_id    uuid REFERENCES clinic.invoices,
    split_from_id uuid REFERENCES clinic.payments,
    amount        numeric(14, 2) NOT NULL CHECK (amount >= 0),
    currency      char(3) NOT NULL CHECK (currency IN ('EUR', 'CHF')),
    method        clinic.payment_method NOT NULL,
    paid_at       timestamptz NOT NULL,
    reference     text
);
CREATE INDEX payments_office_id ON clinic.payments (office_id, currency);
CREATE INDEX payments_invoice_id ON clinic.payments (invoice_id);
CREATE INDEX payments_split_from_id ON clinic.payments (split_from_id);

CREATE TABLE clinic.ledger_entries (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES clinic.offices,
    account    text NOT NULL CHECK (account ~ '^[0-9]{4}$'),
    payment_id uuid REFERENCES clinic.payments,
    side       clinic.ledger_side NOT NULL,
    amount     numeric(14, 2),
    remark     text,
    cancelled  boolean NOT NULL,
    booked_at  timestamptz NOT NULL
);
CREATE INDEX ledger_entries_office_id ON clinic.ledger_entries (office_id);
CREATE INDEX ledger_entries_payment_id ON clinic.ledger_entries (payment_id);

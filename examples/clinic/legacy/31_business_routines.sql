-- What the program does with payments. Each call is one statement, so no commit ever shows half of it: the sum of an
-- office and currency stays.

CREATE FUNCTION payment_cents(payment payments) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN coalesce(payment.amount_cents, (payment.amount * 100)::integer, translate(payment.amount_txt, '.,', '')::integer);

-- 123450 as '1.234,50'.
CREATE FUNCTION german_amount(cents integer) RETURNS text LANGUAGE sql IMMUTABLE
RETURN translate(to_char(cents / 100.0, 'FM99,999,990.00'), ',.', '.,');

-- In the column of the year that the payment is of; the others stay NULL.
CREATE FUNCTION add_to_payment(payment_id integer, cents integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE payments AS p
    SET amount_txt = CASE WHEN p.amount_txt IS NOT NULL THEN german_amount(payment_cents(p) + cents) END,
        amount = p.amount + cents / 100.0,
        amount_cents = p.amount_cents + cents
    WHERE p.id = payment_id;
END;

CREATE FUNCTION move_cents(giver integer, taker integer, cents integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT add_to_payment(giver, -cents);
    SELECT add_to_payment(taker, cents);
END;

CREATE FUNCTION split_payment(payment_id integer, cents integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO payments (office_id, rechnung, currency, amount_txt, amount, amount_cents, art, paid, reference, teil_von)
    SELECT p.office_id, p.rechnung, p.currency,
           CASE WHEN p.amount_txt IS NOT NULL THEN german_amount(cents) END,
           CASE WHEN p.amount IS NOT NULL THEN cents / 100.0 END,
           CASE WHEN p.amount_cents IS NOT NULL THEN cents END,
           p.art, p.paid, p.reference, p.id
    FROM payments AS p
    WHERE p.id = payment_id;
    SELECT add_to_payment(payment_id, -cents);
END;

-- A deleted part gives its amount back; nothing else is ever deleted.
CREATE FUNCTION join_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.teil_von IS NULL THEN
        RAISE EXCEPTION 'a payment is not deleted';
    END IF;
    PERFORM add_to_payment(OLD.teil_von, payment_cents(OLD));
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_join AFTER DELETE ON payments FOR EACH ROW EXECUTE FUNCTION join_payment();

-- What the floor keeps beside the target table: the mapping and one checkpoint.
CREATE TABLE public.mapping (
    entity text NOT NULL, legacy_key text NOT NULL, id uuid NOT NULL, commit_lsn bigint NOT NULL, ordinal bigint NOT NULL,
    PRIMARY KEY (entity, legacy_key));
CREATE TABLE public.floor_checkpoint (next_offset bigint NOT NULL);
INSERT INTO public.floor_checkpoint VALUES (0)

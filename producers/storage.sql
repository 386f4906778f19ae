-- The files of tables %(oids)s bigint[] and of their partitions, as one text a table.
-- Source: PostgreSQL manual, "System Administration Functions" (pg_relation_filenode, pg_partition_tree).
SELECT o.oid, string_agg(
    f.relid::text || ':' || coalesce(pg_catalog.pg_relation_filenode(f.relid), 0), ',' ORDER BY f.relid
)
FROM unnest(%(oids)s::bigint[]) AS o (oid)
CROSS JOIN LATERAL (
    SELECT o.oid::oid
    UNION
    SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(o.oid::oid) AS t
) AS f (relid)
GROUP BY o.oid

-- Identity: which conversation an id means, for ever. Append-only; ids are never reused.

create table conversation_ids (
    id         integer primary key autoincrement,
    created_ms integer not null
) strict;

-- The first key seen takes the next id; later keys of the same conversation join it.
--   line   a transcript line: the hash of its uuid, type, timestamp and message (a fork's copy has the same)
--   event  a queue file: the hash of its origin, name and bytes
create table conversation_keys (
    kind            text not null check (kind in ('line', 'event')),
    key             blob not null,      -- 16 bytes
    conversation_id integer not null references conversation_ids (id),
    primary key (kind, key)
) strict, without rowid;
create index conversation_keys_id on conversation_keys (conversation_id);

-- What was forgotten on request, so that it can be kept out for good: also what a conversation is recognised by, so that what
-- people said of it goes from a backup too, and the secrets that keep others from guessing a text by its hash.

-- A check cannot be widened, so the table is made anew.
--   uuid          hash of a line's uuid, of a copy the original's
--   prompt        hash of a prompt id of which every conversation was forgotten
--   event         as conversation_keys.key of kind event
--   line          of what has no uuid: hash of session and text, keyed with the secret of the origin that forgot it
--   conversation  as conversation_keys.key
create table tombstones_wider (
    id         integer primary key,     -- grows with each: whoever has read so far knows what is new
    origin_id  integer not null references origins (id),
    kind       text not null check (kind in ('uuid', 'prompt', 'event', 'line', 'conversation')),
    key        blob not null,
    created_ms integer not null
) strict;
insert into tombstones_wider (origin_id, kind, key, created_ms)
select origin_id, kind, key, created_ms from tombstones order by created_ms, id;
drop table tombstones;
alter table tombstones_wider rename to tombstones;
create unique index tombstones_key on tombstones (kind, key);

create table forget_secrets (
    origin_id integer primary key references origins (id),
    secret    blob not null             -- 32 random bytes
) strict;

-- 1: some bytes of it were blanked on their way in or later, so that tail_hash is not that of what is stored.
alter table transcripts add column blanked integer not null default 0;

-- What the ingester tells of itself, so that people and the API can see at any moment how it is going. Nothing here is
-- needed to bring anything else back.

-- A pass that did something or met a fault. The figures are those that `once --json` prints.
create table passes (
    id               integer primary key,
    command          text not null check (command in ('run', 'once')),
    began_ms         integer not null,
    took_ms          integer not null,
    queue_ms         integer not null,  -- of these: from the queue to the archive,
    transcripts_ms   integer not null,  -- following transcripts,
    derive_ms        integer not null,  -- deriving conversations
    stored           integer not null,
    replayed         integer not null,
    failed           integer not null,
    put_back         integer not null,
    adopted          integer not null,
    drained          integer not null,
    bytes            integer not null,
    transcript_files integer not null,
    transcript_bytes integer not null,
    sessions         integer not null,
    conversations    integer not null,
    trouble          text               -- the fault that ended it, if one did
) strict;
create index passes_began on passes (began_ms);

-- How long events waited from their capture to their commit, counted in the transaction that commits them. A slot is five
-- minutes of commits (milliseconds since 1970 / 300000); what a bucket holds, shared/store/src/latency.rs says.
create table latencies (
    slot   integer not null,
    bucket integer not null,
    events integer not null,
    primary key (slot, bucket)
) strict, without rowid;

-- What passes did since the store was made, for counters that never fall.
create table totals (
    name  text primary key,
    value integer not null
) strict, without rowid;

-- How many conversations were seen by hooks alone, by transcripts alone, by both.
create index turns_seen on turns (from_hook, from_transcript) where kind in ('human', 'command', 'shell');

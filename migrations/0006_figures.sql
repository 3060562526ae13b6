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

-- How many conversations were seen by hooks alone, by transcripts alone, by both. Counting a million rows is too much for a
-- figure that is asked for every few seconds, so each change is counted as it is made.
create table turns_seen (
    from_hook       integer not null,
    from_transcript integer not null,
    turns           integer not null,
    primary key (from_hook, from_transcript)
) strict, without rowid;
insert into turns_seen values (0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0);
update turns_seen set turns = (
    select count(*) from turns t
     where t.kind in ('human', 'command', 'shell')
       and t.from_hook = turns_seen.from_hook and t.from_transcript = turns_seen.from_transcript);
create trigger turns_seen_insert after insert on turns when new.kind in ('human', 'command', 'shell') begin
    update turns_seen set turns = turns + 1
     where from_hook = new.from_hook and from_transcript = new.from_transcript;
end;
create trigger turns_seen_delete after delete on turns when old.kind in ('human', 'command', 'shell') begin
    update turns_seen set turns = turns - 1
     where from_hook = old.from_hook and from_transcript = old.from_transcript;
end;
create trigger turns_seen_update after update of kind, from_hook, from_transcript on turns
when (old.kind, old.from_hook, old.from_transcript) is not (new.kind, new.from_hook, new.from_transcript) begin
    update turns_seen set turns = turns - 1
     where old.kind in ('human', 'command', 'shell')
       and from_hook = old.from_hook and from_transcript = old.from_transcript;
    update turns_seen set turns = turns + 1
     where new.kind in ('human', 'command', 'shell')
       and from_hook = new.from_hook and from_transcript = new.from_transcript;
end;

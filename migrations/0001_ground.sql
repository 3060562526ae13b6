-- Ground truth: what was captured, byte for byte and append-only. Everything derived can be made again from these tables.
-- Times end in _ms or _ns and count from 1970, UTC.

create table meta (
    key   text primary key,
    value any not null
) strict;

-- The data directories that rows come from. A row carries the small id instead of 32 digits.
create table origins (
    id     integer primary key,
    origin text not null unique,        -- random, 32 hex digits
    own    integer not null default 0   -- 1 for the data directory that this file lies in
) strict;
create unique index origins_own on origins (own) where own = 1;

-- One row for each queue file. The key is (origin, name, hash): the same name and bytes is a replay, the same name with
-- other bytes is another event. Names begin with the time, so the index grows at its end.
create table events (
    id          integer primary key,
    origin_id   integer not null references origins (id),
    name        text not null,          -- the queue file's name
    hash        blob not null,          -- BLAKE3 of the payload, 32 bytes
    captured_ns integer not null,       -- the time in the name
    event       text not null,          -- hook_event_name, else the name's type
    session_id  text not null,          -- the payload's, else the name's, else 'unknown'
    prompt_id   text,
    size        integer not null,       -- of the payload, in bytes
    codec       integer not null check (codec in (0, 1)),   -- of payload: 0 as it is, 1 zstd
    payload     blob not null,
    stored_ms   integer not null
) strict;
create unique index events_key on events (name, hash, origin_id);
create index events_session on events (session_id, captured_ns);

-- One row for each file of a session. A file that was rewritten keeps its old row and bytes, marked superseded.
create table transcripts (
    id              integer primary key,
    origin_id       integer not null references origins (id),
    root            text not null,      -- the projects root
    path            text not null,      -- below the root
    role            text not null check (role in ('main', 'subagent', 'meta', 'tool-result')),
    session_id      text not null,
    agent_id        text,
    device          integer not null,
    inode           integer not null,
    source_size     integer not null,   -- as last seen on disk
    source_mtime_ns integer not null,
    stored_size     integer not null,   -- how far it has been taken in
    tail_hash       blob not null,      -- BLAKE3 of the last 4 KiB before stored_size, as Claude Code wrote them
    superseded_ms   integer
) strict;
create unique index transcripts_path on transcripts (origin_id, root, path) where superseded_ms is null;
create index transcripts_inode on transcripts (device, inode) where superseded_ms is null;
create index transcripts_session on transcripts (session_id);

-- Chunk `seq` holds the bytes from seq * 262144 on; all but the last are full, and the last is replaced until it is.
create table transcript_chunks (
    id            integer primary key,
    transcript_id integer not null references transcripts (id),
    seq           integer not null,
    size          integer not null,     -- unpacked, in bytes
    codec         integer not null check (codec in (0, 1)),
    bytes         blob not null
) strict;
create unique index transcript_chunks_place on transcript_chunks (transcript_id, seq);

-- What a working directory was when it was first met, so that deriving never looks at the disk.
create table places (
    origin_id integer not null references origins (id),
    cwd       text not null,
    git_root  text,                     -- the repository; of a worktree, the repository it belongs to
    met_ms    integer not null,
    primary key (origin_id, cwd)
) strict, without rowid;

-- What was forgotten on request and must not come back by an import or from a backup.
create table tombstones (
    id         text primary key,        -- random
    origin_id  integer not null references origins (id),
    kind       text not null check (kind in ('uuid', 'prompt', 'event', 'line')),
    key        blob not null,
    created_ms integer not null
) strict;
create index tombstones_key on tombstones (kind, key);

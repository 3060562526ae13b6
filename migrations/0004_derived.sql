-- Derived: written by ingest alone, from ground and identity, and rebuildable at any time.

-- Sessions whose ground rows changed since they were last derived, in the order in which that was noticed. The token is
-- random: whoever derives removes the row only if the token is still the one it read before it began.
create table dirty_sessions (
    id         integer primary key,
    session_id text not null unique,
    token      integer not null
) strict;

-- Which sessions hold which prompt lines. Sessions that share one are a lineage (a fork, an old-style resume).
create table prompt_lines (
    line       blob not null,           -- as conversation_keys.key of kind line
    session_id text not null,
    primary key (line, session_id)
) strict, without rowid;
create index prompt_lines_session on prompt_lines (session_id);

create table sessions (
    session_id text primary key,
    title      text,                    -- custom, else generated; null: show the first prompt
    cwd        text,
    git_branch text,
    version    text,                    -- of Claude Code
    model      text,
    started_ms integer,
    ended_ms   integer
) strict, without rowid;

-- One human prompt (or what stands for one) and everything until the next.
create table turns (
    id            integer primary key references conversation_ids (id),
    session_id    text not null,
    parent_id     integer,              -- the conversation that started this subagent
    agent_id      text,
    ordinal       integer not null,     -- place in the session
    timestamp_ms  integer not null,
    ended_ms      integer,
    kind          text not null check (kind in ('human', 'command', 'shell', 'local', 'notification', 'subagent')),
    via           text not null check (via in ('interactive', 'print', 'sdk', 'ide', 'desktop', 'unknown')),
    status        text not null check (status in ('complete', 'interrupted', 'failed', 'open')),
    prompt_text   text,
    response_text text,
    prompt_id     text,
    model         text,
    cwd           text,
    from_hook       integer not null,   -- 1 if a hook event saw it
    from_transcript integer not null,   -- 1 if a transcript line saw it
    metadata      text not null,        -- a JSON object
    digest        blob not null         -- of the row and its blocks, calls and usage: unchanged ones are not written again
) strict;
-- For the default list, newest first.
create index turns_listed on turns (timestamp_ms, id) where kind in ('human', 'command', 'shell');
create index turns_newest on turns (timestamp_ms, id);
-- For a list of one kind.
create index turns_kind on turns (kind, timestamp_ms, id);
create index turns_session on turns (session_id, ordinal);
create index turns_parent on turns (parent_id) where parent_id is not null;

-- A place of a JSON value in the ground: source 0 is a transcript, 1 an event; offset and length count bytes of it.
create table blocks (
    id              integer primary key,
    conversation_id integer not null references turns (id) on delete cascade,
    seq             integer not null,
    kind            text not null check (kind in ('prompt', 'text', 'thinking', 'tool', 'notice')),
    at_ms           integer,
    message_id      text,
    tool_use_id     text,               -- of kind tool
    source          integer check (source in (0, 1)),
    source_id       integer,
    source_offset   integer,
    source_length   integer
) strict;
create unique index blocks_place on blocks (conversation_id, seq);

create table tool_calls (
    id              integer primary key,
    conversation_id integer not null references turns (id) on delete cascade,
    seq             integer not null,
    tool_use_id     text,
    name            text not null,
    is_error        integer not null check (is_error in (0, 1)),
    refused         integer not null check (refused in (0, 1)),
    finished        integer not null check (finished in (0, 1)),
    started_ms      integer,
    duration_ms     integer,
    input_source    integer, input_source_id  integer, input_offset  integer, input_length  integer,
    output_source   integer, output_source_id integer, output_offset integer, output_length integer
) strict;
create unique index tool_calls_place on tool_calls (conversation_id, seq);

-- Tokens, once for each message and request: the line with the largest output.
create table usage (
    id              integer primary key,
    conversation_id integer not null references turns (id) on delete cascade,
    seq             integer not null,
    message_id      text not null,
    request_id      text,
    model           text,
    input_tokens    integer not null,
    output_tokens   integer not null,
    cache_creation_tokens integer not null,
    cache_read_tokens     integer not null
) strict;
create unique index usage_place on usage (conversation_id, seq);

-- Words of prompts and of what Claude said; the row id is the block's. Contentless: the text itself lies in the ground.
create virtual table search using fts5 (
    text,
    content = '',
    contentless_delete = 1,
    prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);

-- Two ids that proved to be one conversation: the lower survives, the other still answers.
create table aliases (
    id       integer primary key references conversation_ids (id),
    survivor integer not null references conversation_ids (id)
) strict;
create index aliases_survivor on aliases (survivor);

-- user_session_id of each conversation: the member of its session that begins last before it, else the session itself.
create view conversation_user_sessions as
select t.id as conversation_id,
       coalesce((select m.user_session_id
                   from user_session_members m
                   left join aliases a on a.id = m.from_conversation_id
                   left join turns f on f.id = coalesce(a.survivor, m.from_conversation_id)
                  where m.session_id = t.session_id and m.removed_ms is null
                    and (m.from_conversation_id is null or f.ordinal <= t.ordinal)
                  order by coalesce(f.ordinal, -1) desc, m.created_ms desc
                  limit 1),
                t.session_id) as user_session_id
  from turns t;

-- The two tables as people know them, in SQL that the sqlite3 of older systems reads too.
create view conversations as
select t.id, t.session_id, u.user_session_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.timestamp_ms / 1000.0, 'unixepoch') as timestamp,
       t.prompt_text, t.response_text,
       (select json_group_array(json(c.call))
          from (select json_object('id', tool_use_id, 'name', name, 'error', json(iif(is_error, 'true', 'false')),
                                   'duration_ms', duration_ms) as call
                  from tool_calls where conversation_id = t.id order by seq) c) as tool_calls,
       t.metadata, t.kind, t.status
  from turns t join conversation_user_sessions u on u.conversation_id = t.id;

create view ratings as
select t.id as conversation_id,
       (select r.rating from rating_history r
         where r.conversation_id = t.id or r.conversation_id in (select id from aliases where survivor = t.id)
         order by r.created_ms desc, r.id desc limit 1) as rating,
       (select json_group_array(distinct g.tag) from tag_history g
         where (g.conversation_id = t.id or g.conversation_id in (select id from aliases where survivor = t.id))
           and g.present = 1
           and not exists (select 1 from tag_history later
                            where later.conversation_id = g.conversation_id and later.tag = g.tag
                              and (later.created_ms, later.id) > (g.created_ms, g.id))) as tags,
       (select group_concat(said.note, char(10) || char(10))
          from (select n.note from note_history n
                 where (n.conversation_id = t.id or n.conversation_id in (select id from aliases where survivor = t.id))
                   and n.note is not null
                   and not exists (select 1 from note_history later
                                    where later.conversation_id = n.conversation_id
                                      and (later.created_ms, later.id) > (n.created_ms, n.id))
                 order by n.created_ms, n.id) said) as notes,
       (select min(created_ms) from rating_history r
         where r.conversation_id = t.id or r.conversation_id in (select id from aliases where survivor = t.id)) as created_at
  from turns t
 where exists (select 1 from rating_history r
                where r.conversation_id = t.id or r.conversation_id in (select id from aliases where survivor = t.id))
    or exists (select 1 from tag_history g
                where g.conversation_id = t.id or g.conversation_id in (select id from aliases where survivor = t.id))
    or exists (select 1 from note_history n
                where n.conversation_id = t.id or n.conversation_id in (select id from aliases where survivor = t.id));

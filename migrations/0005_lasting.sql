-- What years of sessions need: the prompts that history.jsonl alone still has, how sessions hang together, and up to where
-- a session is settled, so that an appended line costs work in proportion to that line.

-- history.jsonl is stored as the transcripts are; a check cannot be widened, so the table is made anew (foreign keys are
-- off while migrations run).
create table transcripts_wider (
    id              integer primary key,
    origin_id       integer not null references origins (id),
    root            text not null,      -- the projects root; of history.jsonl the folder it lies in
    path            text not null,      -- below the root
    role            text not null check (role in ('main', 'subagent', 'meta', 'tool-result', 'history')),
    session_id      text not null,      -- of history.jsonl: 'history'
    agent_id        text,
    device          integer not null,
    inode           integer not null,
    source_size     integer not null,   -- as last seen on disk
    source_mtime_ns integer not null,
    stored_size     integer not null,   -- how far it has been taken in
    tail_hash       blob not null,      -- BLAKE3 of the last 4 KiB before stored_size, as Claude Code wrote them
    superseded_ms   integer
) strict;
insert into transcripts_wider select * from transcripts;
drop table transcripts;
alter table transcripts_wider rename to transcripts;
create unique index transcripts_path on transcripts (origin_id, root, path) where superseded_ms is null;
create index transcripts_inode on transcripts (device, inode) where superseded_ms is null;
-- For the older versions of one file, when another database brings the same file.
create index transcripts_superseded on transcripts (origin_id, root, path) where superseded_ms is not null;
create index transcripts_session on transcripts (session_id);

-- Derived: where the lines of history.jsonl stand, by the session they name ('' where an old version named none).
create table typed_lines (
    transcript_id integer not null references transcripts (id),
    offset        integer not null,     -- of the line's JSON object, in bytes
    length        integer not null,
    key           blob not null,        -- as conversation_keys.key of kind line
    session_id    text not null,
    at_ms         integer not null,
    primary key (transcript_id, offset)
) strict, without rowid;
create index typed_lines_session on typed_lines (session_id, at_ms);

-- Derived: how sessions hang together, told from the later one.
create table session_links (
    session_id       text not null,
    kind             text not null check (kind in ('fork-of', 'resumed-from', 'continued-from', 'cleared-from')),
    other_session_id text not null,
    primary key (session_id, kind, other_session_id)
) strict, without rowid;
create index session_links_other on session_links (other_session_id);

-- Derived: by which version of the rules a session was derived, and up to where it is settled. What came before is not
-- read again; an event from before settled_ns breaks the seal.
create table derivations (
    session_id text primary key,
    parser     integer not null,
    settled_ns integer,                 -- null, as seal is, while nothing is settled
    seal       text                     -- a JSON object
) strict, without rowid;
create index derivations_parser on derivations (parser);
insert into derivations (session_id, parser) select session_id, 0 from sessions;

alter table sessions add column title_from text check (title_from in ('custom', 'generated'));
-- What deriving counts: lines, lines of unknown types by type, pieces that cannot be read. A JSON object.
alter table sessions add column counts text not null default '{}';

-- A message's id is only needed while tokens are counted. Its last signs tell it from others well enough for an index.
alter table blocks drop column message_id;
create index usage_message on usage (substr(message_id, -8));
-- Of cache_creation_tokens, what the cache keeps for an hour: it costs more than what it keeps for five minutes.
alter table usage add column cache_creation_1h_tokens integer not null default 0;
create index turns_agent on turns (agent_id) where agent_id is not null;
create index turns_prompt on turns (session_id, prompt_id) where prompt_id is not null;

-- Derived: working directories of own sessions that nobody has looked up yet (places is where the answer goes). A worktree
-- that is gone is still known by the directory it was made from.
create table places_wanted (
    cwd      text primary key,
    original text
) strict, without rowid;

-- A tag is taken off a conversation, whichever of its ids it was written to.
drop view ratings;
create view ratings as
select t.id as conversation_id,
       (select r.rating from rating_history r
         where r.conversation_id = t.id or r.conversation_id in (select id from aliases where survivor = t.id)
         order by r.created_ms desc, r.id desc limit 1) as rating,
       (select json_group_array(distinct g.tag) from tag_history g
         where (g.conversation_id = t.id or g.conversation_id in (select id from aliases where survivor = t.id))
           and g.present = 1
           and not exists (select 1 from tag_history later
                            where (later.conversation_id = t.id
                                   or later.conversation_id in (select id from aliases where survivor = t.id))
                              and later.tag = g.tag
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
-- More words are gathered in memory before they are written out: fewer segments to merge.
insert into search (search, rank) values ('hashsize', 4194304);

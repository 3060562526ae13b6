-- What all migrations make, for a database that has nothing yet; of one that is used, the numbered files change what it has.
-- The statements are those that the engine keeps (sqlite_schema), in its order. A test of shared/store holds the two ways
-- against each other, row by row, and prints what is to stand here after a new migration.

CREATE TABLE meta (
    key   text primary key,
    value any not null
) strict;
CREATE TABLE origins (
    id     integer primary key,
    origin text not null unique,        -- random, 32 hex digits
    own    integer not null default 0   -- 1 for the data directory that this file lies in
) strict;
CREATE UNIQUE INDEX origins_own on origins (own) where own = 1;
CREATE TABLE events (
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
CREATE UNIQUE INDEX events_key on events (name, hash, origin_id);
CREATE INDEX events_session on events (session_id, captured_ns);
CREATE TABLE transcript_chunks (
    id            integer primary key,
    transcript_id integer not null references transcripts (id),
    seq           integer not null,
    size          integer not null,     -- unpacked, in bytes
    codec         integer not null check (codec in (0, 1)),
    bytes         blob not null
) strict;
CREATE UNIQUE INDEX transcript_chunks_place on transcript_chunks (transcript_id, seq);
CREATE TABLE places (
    origin_id integer not null references origins (id),
    cwd       text not null,
    git_root  text,                     -- the repository; of a worktree, the repository it belongs to
    met_ms    integer not null,
    primary key (origin_id, cwd)
) strict, without rowid;
CREATE TABLE conversation_ids (
    id         integer primary key autoincrement,
    created_ms integer not null
) strict;
CREATE TABLE conversation_keys (
    kind            text not null check (kind in ('line', 'event')),
    key             blob not null,      -- 16 bytes
    conversation_id integer not null references conversation_ids (id),
    primary key (kind, key)
) strict, without rowid;
CREATE INDEX conversation_keys_id on conversation_keys (conversation_id);
CREATE TABLE rating_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    rating          integer check (rating between 1 and 5),     -- null takes it back
    created_ms      integer not null
) strict;
CREATE INDEX rating_history_conversation on rating_history (conversation_id, created_ms);
CREATE TABLE tag_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    tag             text not null,
    present         integer not null check (present in (0, 1)),
    created_ms      integer not null
) strict;
CREATE INDEX tag_history_conversation on tag_history (conversation_id, tag, created_ms);
CREATE INDEX tag_history_tag on tag_history (tag, conversation_id);
CREATE TABLE note_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    note            text,                                       -- null takes it back
    created_ms      integer not null
) strict;
CREATE INDEX note_history_conversation on note_history (conversation_id, created_ms);
CREATE TABLE star_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    starred         integer not null check (starred in (0, 1)),
    created_ms      integer not null
) strict;
CREATE INDEX star_history_conversation on star_history (conversation_id, created_ms);
CREATE TABLE user_sessions (
    id         text primary key,
    origin_id  integer not null references origins (id),
    created_ms integer not null
) strict;
CREATE TABLE session_titles (
    id              text primary key,
    origin_id       integer not null references origins (id),
    user_session_id text not null,
    title           text,                                       -- null takes it back
    created_ms      integer not null
) strict;
CREATE INDEX session_titles_session on session_titles (user_session_id, created_ms);
CREATE TABLE user_session_members (
    id                   text primary key,
    origin_id            integer not null references origins (id),
    user_session_id      text not null,
    session_id           text not null,
    from_conversation_id integer references conversation_ids (id),   -- null: from the session's beginning
    created_ms           integer not null,
    removed_ms           integer
) strict;
CREATE INDEX user_session_members_session on user_session_members (session_id) where removed_ms is null;
CREATE INDEX user_session_members_user on user_session_members (user_session_id) where removed_ms is null;
CREATE TABLE saved_views (
    id         text primary key,
    origin_id  integer not null references origins (id),
    name       text not null,
    query      text not null,
    created_ms integer not null,
    removed_ms integer
) strict;
CREATE TABLE dirty_sessions (
    id         integer primary key,
    session_id text not null unique,
    token      integer not null
) strict;
CREATE TABLE prompt_lines (
    line       blob not null,           -- as conversation_keys.key of kind line
    session_id text not null,
    primary key (line, session_id)
) strict, without rowid;
CREATE INDEX prompt_lines_session on prompt_lines (session_id);
CREATE TABLE sessions (
    session_id text primary key,
    title      text,                    -- custom, else generated; null: show the first prompt
    cwd        text,
    git_branch text,
    version    text,                    -- of Claude Code
    model      text,
    started_ms integer,
    ended_ms   integer
, title_from text check (title_from in ('custom', 'generated')), counts text not null default '{}', origin_id integer) strict, without rowid;
CREATE TABLE turns (
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
CREATE INDEX turns_session on turns (session_id, ordinal);
CREATE INDEX turns_parent on turns (parent_id) where parent_id is not null;
CREATE TABLE blocks (
    id              integer primary key,
    conversation_id integer not null references turns (id) on delete cascade,
    seq             integer not null,
    kind            text not null check (kind in ('prompt', 'text', 'thinking', 'tool', 'notice')),
    at_ms           integer,
    tool_use_id     text,               -- of kind tool
    source          integer check (source in (0, 1)),
    source_id       integer,
    source_offset   integer,
    source_length   integer
) strict;
CREATE UNIQUE INDEX blocks_place on blocks (conversation_id, seq);
CREATE TABLE tool_calls (
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
CREATE UNIQUE INDEX tool_calls_place on tool_calls (conversation_id, seq);
CREATE TABLE aliases (
    id       integer primary key references conversation_ids (id),
    survivor integer not null references conversation_ids (id)
) strict;
CREATE INDEX aliases_survivor on aliases (survivor);
CREATE VIEW conversations as
select t.id, t.session_id, u.user_session_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.timestamp_ms / 1000.0, 'unixepoch') as timestamp,
       t.prompt_text, t.response_text,
       (select json_group_array(json(c.call))
          from (select json_object('id', tool_use_id, 'name', name, 'error', json(iif(is_error, 'true', 'false')),
                                   'duration_ms', duration_ms) as call
                  from tool_calls where conversation_id = t.id order by seq) c) as tool_calls,
       t.metadata, t.kind, t.status
  from turns t join conversation_user_sessions u on u.conversation_id = t.id;
CREATE TABLE "transcripts" (
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
, blanked integer not null default 0) strict;
CREATE UNIQUE INDEX transcripts_path on transcripts (origin_id, root, path) where superseded_ms is null;
CREATE INDEX transcripts_inode on transcripts (device, inode) where superseded_ms is null;
CREATE INDEX transcripts_superseded on transcripts (origin_id, root, path) where superseded_ms is not null;
CREATE INDEX transcripts_session on transcripts (session_id);
CREATE TABLE typed_lines (
    transcript_id integer not null references transcripts (id),
    offset        integer not null,     -- of the line's JSON object, in bytes
    length        integer not null,
    key           blob not null,        -- as conversation_keys.key of kind line
    session_id    text not null,
    at_ms         integer not null,
    primary key (transcript_id, offset)
) strict, without rowid;
CREATE INDEX typed_lines_session on typed_lines (session_id, at_ms);
CREATE TABLE session_links (
    session_id       text not null,
    kind             text not null check (kind in ('fork-of', 'resumed-from', 'continued-from', 'cleared-from')),
    other_session_id text not null,
    primary key (session_id, kind, other_session_id)
) strict, without rowid;
CREATE INDEX session_links_other on session_links (other_session_id);
CREATE TABLE derivations (
    session_id text primary key,
    parser     integer not null,
    settled_ns integer,                 -- null, as seal is, while nothing is settled
    seal       text                     -- a JSON object
) strict, without rowid;
CREATE INDEX derivations_parser on derivations (parser);
CREATE INDEX turns_agent on turns (agent_id) where agent_id is not null;
CREATE INDEX turns_prompt on turns (session_id, prompt_id) where prompt_id is not null;
CREATE TABLE places_wanted (
    cwd      text primary key,
    original text
) strict, without rowid;
CREATE TABLE passes (
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
CREATE INDEX passes_began on passes (began_ms);
CREATE TABLE latencies (
    slot   integer not null,
    bucket integer not null,
    events integer not null,
    primary key (slot, bucket)
) strict, without rowid;
CREATE TABLE totals (
    name  text primary key,
    value integer not null
) strict, without rowid;
CREATE TABLE turns_seen (
    from_hook       integer not null,
    from_transcript integer not null,
    turns           integer not null,
    primary key (from_hook, from_transcript)
) strict, without rowid;
CREATE TRIGGER turns_seen_insert after insert on turns when new.kind in ('human', 'command', 'shell') begin
    update turns_seen set turns = turns + 1
     where from_hook = new.from_hook and from_transcript = new.from_transcript;
end;
CREATE TRIGGER turns_seen_delete after delete on turns when old.kind in ('human', 'command', 'shell') begin
    update turns_seen set turns = turns - 1
     where from_hook = old.from_hook and from_transcript = old.from_transcript;
end;
CREATE TRIGGER turns_seen_update after update of kind, from_hook, from_transcript on turns
when (old.kind, old.from_hook, old.from_transcript) is not (new.kind, new.from_hook, new.from_transcript) begin
    update turns_seen set turns = turns - 1
     where old.kind in ('human', 'command', 'shell')
       and from_hook = old.from_hook and from_transcript = old.from_transcript;
    update turns_seen set turns = turns + 1
     where new.kind in ('human', 'command', 'shell')
       and from_hook = new.from_hook and from_transcript = new.from_transcript;
end;
CREATE TABLE models (id integer primary key, name text not null unique) strict;
CREATE TABLE tools  (id integer primary key, name text not null unique) strict;
CREATE TABLE folders (id integer primary key, origin_id integer not null, cwd text not null, unique (origin_id, cwd)) strict;
CREATE TABLE facets (
    timestamp_ms    integer not null,
    conversation_id integer not null,
    kind            integer not null,   -- the numbers of the words in shared/store/src/words.rs
    via             integer not null,
    status          integer not null,
    folder_id       integer,            -- of the turn's directory, else its session's
    model_id        integer,
    failed          integer not null check (failed in (0, 1)),  -- its status is failed, or one of its own tool calls failed or was refused
    prompt_length   integer not null,   -- in characters, as length() counts them
    tokens          integer not null,   -- of its own messages: input, output, put into the cache and read from it
    cost            integer,            -- list price of its own messages in picodollars; null where nothing is known of it
    primary key (timestamp_ms, conversation_id)
) strict, without rowid;
CREATE TABLE tool_uses (
    tool_id         integer not null,
    timestamp_ms    integer not null,
    conversation_id integer not null,
    calls           integer not null,
    failures        integer not null,   -- of these: failed or refused
    primary key (tool_id, timestamp_ms, conversation_id)
) strict, without rowid;
CREATE INDEX sessions_ended on sessions (ended_ms);
CREATE INDEX turns_homeless on turns (session_id) where cwd is null;
CREATE VIRTUAL TABLE search using fts5 (
    text, content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
CREATE VIRTUAL TABLE search_tools using fts5 (
    text, content = '', contentless_delete = 1, detail = none,
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
CREATE VIRTUAL TABLE search_parts using fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram remove_diacritics 1'
);
CREATE TABLE quarter_turns (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null,
    turns           integer not null,
    failed          integer not null,   -- as facets.failed
    hook_only       integer not null,   -- seen by hooks alone
    transcript_only integer not null,   -- by transcripts alone
    primary key (slot, folder_id, via, kind)
) strict, without rowid;
CREATE TABLE quarter_usage (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, model_id integer not null,
    messages              integer not null,
    input_tokens          integer not null,
    output_tokens         integer not null,
    cache_creation_tokens integer not null,
    cache_read_tokens     integer not null,
    cost                  integer not null,     -- in picodollars, of what has a price
    unpriced              integer not null,     -- messages without one
    primary key (slot, folder_id, via, kind, model_id)
) strict, without rowid;
CREATE TABLE quarter_tools (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, tool_id integer not null,
    bucket   integer not null,
    calls    integer not null,
    failures integer not null,
    primary key (slot, folder_id, via, kind, tool_id, bucket)
) strict, without rowid;
CREATE TABLE quarter_commands (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, command text not null,
    uses integer not null,
    primary key (slot, folder_id, via, kind, command)
) strict, without rowid;
CREATE TABLE quarter_lengths (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, bucket integer not null,
    prompts integer not null,
    primary key (slot, folder_id, via, kind, bucket)
) strict, without rowid;
CREATE VIEW meanings (conversation_id, id) as
select i.id, i.id from conversation_ids i where not exists (select 1 from aliases where id = i.id)
union all
select survivor, id from aliases;
CREATE VIEW notes_now (conversation_id, note, created_ms, id) as
select m.conversation_id, n.note, n.created_ms, n.id
  from meanings m cross join note_history n on n.conversation_id = m.id
 where n.note is not null
   and not exists (select 1 from note_history l
                    where l.conversation_id = n.conversation_id and (l.created_ms, l.id) > (n.created_ms, n.id));
CREATE TABLE marks (
    conversation_id integer primary key,
    rating          integer,                -- 1 to 5
    starred         integer not null,
    noted           integer not null,       -- 1: there is a note
    changed_ms      integer not null        -- when the newest thing was said
) strict;
CREATE INDEX marks_rating on marks (rating) where rating is not null;
CREATE INDEX marks_starred on marks (conversation_id) where starred = 1;
CREATE TABLE human_texts (
    id              integer primary key,
    kind            text not null check (kind in ('note', 'tag', 'title')),
    conversation_id integer,
    user_session_id text,
    text            text not null,
    check ((conversation_id is null) = (kind = 'title') and (user_session_id is null) = (kind <> 'title'))
) strict;
CREATE INDEX human_texts_conversation on human_texts (conversation_id, kind) where conversation_id is not null;
CREATE UNIQUE INDEX human_texts_title on human_texts (user_session_id) where user_session_id is not null;
CREATE VIRTUAL TABLE search_human using fts5 (
    text,
    content = '',
    contentless_delete = 1,
    prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
CREATE VIRTUAL TABLE search_human_parts using fts5 (
    text,
    content = '',
    contentless_delete = 1,
    tokenize = "trigram remove_diacritics 1"
);
CREATE TRIGGER human_texts_insert after insert on human_texts begin
    insert into search_human (rowid, text) values (new.id, spaced(new.text));
    insert into search_human_parts (rowid, text) values (new.id, new.text);
end;
CREATE TRIGGER human_texts_delete after delete on human_texts begin
    delete from search_human where rowid = old.id;
    delete from search_human_parts where rowid = old.id;
end;
CREATE VIEW retold (conversation_id, said) as select 0, '' where 0;
CREATE TRIGGER retell instead of insert on retold begin
    delete from marks where conversation_id = new.conversation_id;
    insert into marks (conversation_id, rating, starred, noted, changed_ms)
    select new.conversation_id,
           (select r.rating from meanings m cross join rating_history r on r.conversation_id = m.id
             where m.conversation_id = new.conversation_id order by r.created_ms desc, r.id desc limit 1),
           coalesce((select s.starred from meanings m cross join star_history s on s.conversation_id = m.id
                      where m.conversation_id = new.conversation_id order by s.created_ms desc, s.id desc limit 1), 0),
           exists (select 1 from notes_now where conversation_id = new.conversation_id),
           max(said.created_ms)
      from (select r.created_ms from meanings m cross join rating_history r on r.conversation_id = m.id
             where m.conversation_id = new.conversation_id
            union all
            select s.created_ms from meanings m cross join star_history s on s.conversation_id = m.id
             where m.conversation_id = new.conversation_id
            union all
            select g.created_ms from meanings m cross join tag_history g on g.conversation_id = m.id
             where m.conversation_id = new.conversation_id
            union all
            select n.created_ms from meanings m cross join note_history n on n.conversation_id = m.id
             where m.conversation_id = new.conversation_id) said
    having max(said.created_ms) is not null;
end;
CREATE TRIGGER rating_history_once before insert on rating_history when exists (select 1 from rating_history where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER tag_history_once before insert on tag_history when exists (select 1 from tag_history where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER note_history_once before insert on note_history when exists (select 1 from note_history where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER star_history_once before insert on star_history when exists (select 1 from star_history where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER user_sessions_once before insert on user_sessions when exists (select 1 from user_sessions where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER user_session_members_once before insert on user_session_members when exists (select 1 from user_session_members where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER session_titles_once before insert on session_titles when exists (select 1 from session_titles where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER saved_views_once before insert on saved_views when exists (select 1 from saved_views where id = new.id) begin
    select raise(ignore);
end;
CREATE TRIGGER session_titles_told after insert on session_titles begin
    delete from human_texts where user_session_id = new.user_session_id;
    insert into human_texts (kind, user_session_id, text)
    select 'title', new.user_session_id, newest.title
      from (select title from session_titles where user_session_id = new.user_session_id
             order by created_ms desc, id desc limit 1) newest
     where newest.title is not null;
end;
CREATE VIEW conversation_user_sessions as
select t.id as conversation_id,
       coalesce((select m.user_session_id
                   from user_session_members m
                   left join aliases a on a.id = m.from_conversation_id
                   left join turns f on f.id = coalesce(a.survivor, m.from_conversation_id)
                  where m.session_id = t.session_id and m.removed_ms is null
                    and (m.from_conversation_id is null or (f.session_id = t.session_id and f.ordinal <= t.ordinal))
                  order by coalesce(f.ordinal, -1) desc, m.created_ms desc, m.id desc
                  limit 1),
                t.session_id) as user_session_id
  from turns t;
CREATE INDEX sessions_cwd on sessions (cwd, ended_ms);
CREATE TABLE titles (
    id         integer primary key,
    session_id text not null unique,
    title      text not null
) strict;
CREATE VIRTUAL TABLE search_titles using fts5 (
    text, content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
CREATE VIRTUAL TABLE search_title_parts using fts5 (
    text, content = '', contentless_delete = 1, tokenize = 'trigram remove_diacritics 1'
);
CREATE TRIGGER titles_insert after insert on titles begin
    insert into search_titles (rowid, text) values (new.id, spaced(new.title));
    insert into search_title_parts (rowid, text) values (new.id, new.title);
end;
CREATE TRIGGER titles_delete after delete on titles begin
    delete from search_titles where rowid = old.id;
    delete from search_title_parts where rowid = old.id;
end;
CREATE TRIGGER sessions_titled after insert on sessions when new.title is not null begin
    insert into titles (session_id, title) values (new.session_id, new.title);
end;
CREATE TRIGGER sessions_retitled after update of title on sessions when old.title is not new.title begin
    delete from titles where session_id = old.session_id;
    insert into titles (session_id, title) select new.session_id, new.title where new.title is not null;
end;
CREATE TRIGGER sessions_untitled after delete on sessions begin
    delete from titles where session_id = old.session_id;
end;
CREATE TABLE never (id integer primary key check (id is null)) strict;
CREATE TABLE untold (
    conversation_id integer primary key,
    tags            integer not null,       -- 1: its tags may be others
    notes           integer not null,       -- 1: its notes may be others
    -- Who forgets to tell cannot commit.
    told            integer not null default 0 references never (id) deferrable initially deferred
) strict;
CREATE TRIGGER retell_notes instead of insert on retold when new.said in ('notes', 'all') begin
    delete from human_texts where conversation_id = new.conversation_id and kind = 'note';
    insert into human_texts (kind, conversation_id, text)
    select 'note', conversation_id, note from notes_now
     where conversation_id = new.conversation_id order by created_ms, id;
end;
CREATE VIEW telling (now) as select 0 where 0;
CREATE TRIGGER tell instead of insert on telling begin
    insert into retold (conversation_id, said)
    select conversation_id, case when tags and notes then 'all' when tags then 'tags' when notes then 'notes' else 'marks' end
      from untold;
    delete from untold;
end;
CREATE TRIGGER rating_history_told after insert on rating_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 0, 0)
    on conflict do nothing;
end;
CREATE TRIGGER star_history_told after insert on star_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 0, 0)
    on conflict do nothing;
end;
CREATE TRIGGER tag_history_told after insert on tag_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 1, 0)
    on conflict do update set tags = 1 where tags = 0;
end;
CREATE TRIGGER note_history_told after insert on note_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 0, 1)
    on conflict do update set notes = 1 where notes = 0;
end;
CREATE TRIGGER aliases_insert after insert on aliases begin
    insert into untold (conversation_id, tags, notes) values (new.id, 1, 1), (new.survivor, 1, 1)
    on conflict do update set tags = 1, notes = 1;
end;
CREATE TRIGGER aliases_update after update on aliases begin
    insert into untold (conversation_id, tags, notes) values (old.survivor, 1, 1), (new.id, 1, 1), (new.survivor, 1, 1)
    on conflict do update set tags = 1, notes = 1;
end;
CREATE TRIGGER aliases_delete after delete on aliases begin
    insert into untold (conversation_id, tags, notes) values (old.id, 1, 1), (old.survivor, 1, 1)
    on conflict do update set tags = 1, notes = 1;
end;
CREATE VIEW tags_now (conversation_id, key, tag, set_ms) as
select conversation_id, key, tag, created_ms
  from (select m.conversation_id, folded(g.tag) as key, g.tag, g.present, g.created_ms,
               row_number() over (partition by m.conversation_id, folded(g.tag) order by g.created_ms desc, g.id desc) as place
          from meanings m cross join tag_history g on g.conversation_id = m.id)
 where place = 1 and present = 1;
CREATE TABLE tagged (
    key             text not null,      -- what its spellings have in common
    conversation_id integer not null,
    tag             text not null,      -- as it was set there
    set_ms          integer not null,
    primary key (key, conversation_id)
) strict, without rowid;
CREATE INDEX tagged_conversation on tagged (conversation_id);
CREATE TABLE spellings (
    tag           text primary key,
    key           text not null,
    conversations integer not null,
    newest_ms     integer not null      -- when it was set last
) strict, without rowid;
CREATE INDEX spellings_key on spellings (key, conversations desc, newest_ms desc, tag);
CREATE VIEW tags_shown (conversation_id, key, tag) as
select g.conversation_id, g.key,
       (select s.tag from spellings s where s.key = g.key order by s.conversations desc, s.newest_ms desc, s.tag limit 1)
  from tagged g;
CREATE TRIGGER tagged_insert after insert on tagged begin
    insert into human_texts (kind, conversation_id, text) values ('tag', new.conversation_id, new.tag);
    insert into spellings (tag, key, conversations, newest_ms) values (new.tag, new.key, 1, new.set_ms)
    on conflict do update set conversations = conversations + 1, newest_ms = max(newest_ms, excluded.newest_ms);
end;
CREATE TRIGGER tagged_delete after delete on tagged begin
    delete from human_texts where conversation_id = old.conversation_id and kind = 'tag' and text = old.tag;
    update spellings set conversations = conversations - 1 where tag = old.tag;
    delete from spellings where tag = old.tag and conversations <= 0;
end;
CREATE TRIGGER retell_tags instead of insert on retold when new.said in ('tags', 'all') begin
    delete from tagged
     where conversation_id = new.conversation_id
       and (key, tag) not in (select key, tag from tags_now where conversation_id = new.conversation_id);
    insert into tagged (key, conversation_id, tag, set_ms)
    select key, conversation_id, tag, set_ms from tags_now n
     where conversation_id = new.conversation_id
       and not exists (select 1 from tagged t where t.key = n.key and t.conversation_id = n.conversation_id);
end;
CREATE VIEW ratings as
select t.id as conversation_id,
       (select r.rating from rating_history r
         where r.conversation_id = t.id or r.conversation_id in (select id from aliases where survivor = t.id)
         order by r.created_ms desc, r.id desc limit 1) as rating,
       (select json_group_array(g.tag) from tags_shown g where g.conversation_id = t.id) as tags,
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
CREATE TABLE "usage" (
    conversation_id integer not null references turns (id) on delete cascade,
    seq             integer not null,
    message_id      text not null,
    request_id      text,
    model           text,
    input_tokens    integer not null,
    output_tokens   integer not null,
    cache_creation_tokens integer not null,
    cache_read_tokens     integer not null,
    cache_creation_1h_tokens integer not null default 0,
    cost            integer,            -- as 0007 says
    primary key (conversation_id, seq)
) strict, without rowid;
CREATE INDEX usage_message on usage (substr(message_id, -8));
CREATE TABLE asked_ratings (
    event_id   integer primary key references events (id),
    settled_ms integer                  -- when it was said of a conversation, or found to say nothing; null: it waits
) strict;
CREATE INDEX asked_ratings_waiting on asked_ratings (event_id) where settled_ms is null;
CREATE TRIGGER events_ask after insert on events
when new.event = 'UserPromptSubmit' and substr(new.name, -10) = '-Rate.json' begin
    insert into asked_ratings (event_id) values (new.id);
end;
CREATE TABLE "tombstones" (
    id         integer primary key,     -- grows with each: whoever has read so far knows what is new
    origin_id  integer not null references origins (id),
    kind       text not null check (kind in ('uuid', 'prompt', 'event', 'line', 'conversation')),
    key        blob not null,
    created_ms integer not null
) strict;
CREATE UNIQUE INDEX tombstones_key on tombstones (kind, key);
CREATE TABLE forget_secrets (
    origin_id integer primary key references origins (id),
    secret    blob not null             -- 32 random bytes
) strict;
CREATE TABLE left_out (
    key blob primary key                -- 16 bytes
) strict, without rowid;

-- What the migrations put in.
insert into search (search, rank) values ('hashsize', 4194304);
insert into search_tools (search_tools, rank) values ('hashsize', 4194304);
insert into turns_seen values (0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0);

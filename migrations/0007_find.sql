-- What finding needs: for each conversation one narrow row that a list is filtered and sorted by, which tools it used, and
-- indexes of the words of everything. Derived like all it is made from: written where turns is written, and by nobody else.
-- What lists need is filled in here, so that none is empty while sessions wait to be derived by the new rules; prices and
-- words wait for them.

-- Names that many rows share. Rows are only added, so that a number always means the same name.
create table models (id integer primary key, name text not null unique) strict;
create table tools  (id integer primary key, name text not null unique) strict;
-- A working directory of an origin (0 where nobody knows of which). Its project is coalesce(places.git_root, cwd), asked for
-- when reading: places may come later.
create table folders (id integer primary key, origin_id integer not null, cwd text not null, unique (origin_id, cwd)) strict;

create table facets (
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

-- Which tools a conversation used itself, by its time.
create table tool_uses (
    tool_id         integer not null,
    timestamp_ms    integer not null,
    conversation_id integer not null,
    calls           integer not null,
    failures        integer not null,   -- of these: failed or refused
    primary key (tool_id, timestamp_ms, conversation_id)
) strict, without rowid;

-- List price of a message in picodollars, null where the price table has no price for its model.
alter table usage add column cost integer;
-- Of which data directory a session is: of its first transcript, else of its first event.
alter table sessions add column origin_id integer;
-- For a list of sessions by when they were last heard of.
create index sessions_ended on sessions (ended_ms);
-- For turns whose directory is their session's.
create index turns_homeless on turns (session_id) where cwd is null;

update sessions set origin_id = coalesce(
    (select origin_id from transcripts t where t.session_id = sessions.session_id order by t.id limit 1),
    (select origin_id from events e where e.session_id = sessions.session_id order by e.captured_ns, e.id limit 1));

insert into models (name) select distinct model from turns where model is not null;
insert into tools (name) select distinct name from tool_calls;
insert into folders (origin_id, cwd)
select distinct coalesce(s.origin_id, 0), coalesce(t.cwd, s.cwd)
  from turns t left join sessions s on s.session_id = t.session_id
 where coalesce(t.cwd, s.cwd) is not null;

insert into facets
select t.timestamp_ms, t.id,
       case t.kind when 'human' then 0 when 'command' then 1 when 'shell' then 2 when 'local' then 3
                   when 'notification' then 4 when 'subagent' then 5 end,
       case t.via when 'interactive' then 0 when 'print' then 1 when 'sdk' then 2 when 'ide' then 3
                  when 'desktop' then 4 when 'unknown' then 5 end,
       case t.status when 'complete' then 0 when 'interrupted' then 1 when 'failed' then 2 when 'open' then 3 end,
       (select f.id from folders f where f.origin_id = coalesce(s.origin_id, 0) and f.cwd = coalesce(t.cwd, s.cwd)),
       (select m.id from models m where m.name = t.model),
       t.status = 'failed' or exists (select 1 from tool_calls c where c.conversation_id = t.id and (c.is_error or c.refused)),
       coalesce(length(t.prompt_text), 0),
       (select cast(min(total(u.input_tokens) + total(u.output_tokens) + total(u.cache_creation_tokens)
                        + total(u.cache_read_tokens), 9.2e18) as integer)
          from usage u where u.conversation_id = t.id),
       iif(exists (select 1 from usage u where u.conversation_id = t.id), null, 0)
  from turns t left join sessions s on s.session_id = t.session_id;

insert into tool_uses
select n.id, t.timestamp_ms, t.id, count(*), sum(c.is_error or c.refused)
  from tool_calls c join turns t on t.id = c.conversation_id join tools n on n.name = c.name
 group by 1, 2, 3;

-- All three are contentless: the texts lie in the ground, a hit leads to them by its number.
--   search        words of prompts and of what Claude said: a block's number. CJK signs are kept apart by words_cjk.rs, so
--                 the texts that are in the old index go into a new one.
--   search_tools  words of what tools were given (a call's number twice) and answered (twice and one): which words a text
--                 has, and not where, as that would be three times as large
--   search_parts  of every three signs of a prompt: a conversation's number
drop table search;
create virtual table search using fts5 (
    text, content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
create virtual table search_tools using fts5 (
    text, content = '', contentless_delete = 1, detail = none,
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
create virtual table search_parts using fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram remove_diacritics 1'
);
insert into search (search, rank) values ('hashsize', 4194304);
insert into search_tools (search_tools, rank) values ('hashsize', 4194304);

-- Figures of each quarter of an hour (slot = milliseconds since 1970 / 900000), as every time zone begins its days at one.
-- Always what counting the conversations of the quarter gives: shared/store/src/quarter.rs does, whenever one of them changes.
-- What was there before this migration is counted as sessions are derived by the new rules. folder_id and model_id are 0
-- where there is none.
create table quarter_turns (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null,
    turns           integer not null,
    failed          integer not null,   -- as facets.failed
    hook_only       integer not null,   -- seen by hooks alone
    transcript_only integer not null,   -- by transcripts alone
    primary key (slot, folder_id, via, kind)
) strict, without rowid;

-- Tokens of messages, by the time of their conversation.
create table quarter_usage (
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

-- Tool calls, by how long they took: buckets of shared/store/src/latency.rs, -1 where nobody measured.
create table quarter_tools (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, tool_id integer not null,
    bucket   integer not null,
    calls    integer not null,
    failures integer not null,
    primary key (slot, folder_id, via, kind, tool_id, bucket)
) strict, without rowid;

-- Slash commands with their slash, programs of `!` without it.
create table quarter_commands (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, command text not null,
    uses integer not null,
    primary key (slot, folder_id, via, kind, command)
) strict, without rowid;

-- Prompts by their length in characters: bucket 0 is below 10, 1 below 30, 2 below 100, and so on to 8, from 30,000 on.
create table quarter_lengths (
    slot integer not null, folder_id integer not null, via integer not null, kind integer not null, bucket integer not null,
    prompts integer not null,
    primary key (slot, folder_id, via, kind, bucket)
) strict, without rowid;

-- Human truth: what a person said about a conversation. Every row has a random id of its own, so an import can be
-- repeated; rows are only added, the newest of a conversation counts. They keep the conversation id they were written
-- to: readers resolve aliases. Nothing here refers to a derived table.

create table rating_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    rating          integer check (rating between 1 and 5),     -- null takes it back
    created_ms      integer not null
) strict;
create index rating_history_conversation on rating_history (conversation_id, created_ms);

create table tag_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    tag             text not null,
    present         integer not null check (present in (0, 1)),
    created_ms      integer not null
) strict;
create index tag_history_conversation on tag_history (conversation_id, tag, created_ms);
create index tag_history_tag on tag_history (tag, conversation_id);

create table note_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    note            text,                                       -- null takes it back
    created_ms      integer not null
) strict;
create index note_history_conversation on note_history (conversation_id, created_ms);

create table star_history (
    id              text primary key,
    origin_id       integer not null references origins (id),
    conversation_id integer not null references conversation_ids (id),
    starred         integer not null check (starred in (0, 1)),
    created_ms      integer not null
) strict;
create index star_history_conversation on star_history (conversation_id, created_ms);

-- A user session has a lasting id: the session id itself while nothing was changed (then it needs no row here).
create table user_sessions (
    id         text primary key,
    origin_id  integer not null references origins (id),
    created_ms integer not null
) strict;

create table session_titles (
    id              text primary key,
    origin_id       integer not null references origins (id),
    user_session_id text not null,
    title           text,                                       -- null takes it back
    created_ms      integer not null
) strict;
create index session_titles_session on session_titles (user_session_id, created_ms);

-- A split adds a member, a merge joins parts or whole sessions, an undo sets removed_ms.
create table user_session_members (
    id                   text primary key,
    origin_id            integer not null references origins (id),
    user_session_id      text not null,
    session_id           text not null,
    from_conversation_id integer references conversation_ids (id),   -- null: from the session's beginning
    created_ms           integer not null,
    removed_ms           integer
) strict;
create index user_session_members_session on user_session_members (session_id) where removed_ms is null;
create index user_session_members_user on user_session_members (user_session_id) where removed_ms is null;

create table saved_views (
    id         text primary key,
    origin_id  integer not null references origins (id),
    name       text not null,
    query      text not null,
    created_ms integer not null,
    removed_ms integer
) strict;

-- What people say now, kept beside its history: lists filter and sort by it and find its words. The history decides, and
-- triggers follow it, so that whoever adds a row (a person, an import, a merge, a recovery), in whatever order, keeps it
-- right. Nothing here is ground: all of it can be made again from the histories.

-- Every id that means a conversation, by the one that answers for it.
create view meanings (conversation_id, id) as
select i.id, i.id from conversation_ids i where not exists (select 1 from aliases where id = i.id)
union all
select survivor, id from aliases;

-- The newest word on each tag, whichever id it was written to.
create view tags_now (conversation_id, tag) as
select m.conversation_id, g.tag
  from meanings m cross join tag_history g on g.conversation_id = m.id
 where g.present = 1
   and not exists (select 1 from meanings o cross join tag_history l on l.conversation_id = o.id and l.tag = g.tag
                    where o.conversation_id = m.conversation_id and (l.created_ms, l.id) > (g.created_ms, g.id));

-- The newest note of each id.
create view notes_now (conversation_id, note, created_ms, id) as
select m.conversation_id, n.note, n.created_ms, n.id
  from meanings m cross join note_history n on n.conversation_id = m.id
 where n.note is not null
   and not exists (select 1 from note_history l
                    where l.conversation_id = n.conversation_id and (l.created_ms, l.id) > (n.created_ms, n.id));

-- A row for each conversation of which anything was ever said, under the id that answers for it.
create table marks (
    conversation_id integer primary key,
    rating          integer,                -- 1 to 5
    starred         integer not null,
    noted           integer not null,       -- 1: there is a note
    changed_ms      integer not null        -- when the newest thing was said
) strict;
create index marks_rating on marks (rating) where rating is not null;
create index marks_starred on marks (conversation_id) where starred = 1;

create table tagged (
    tag             text not null,
    conversation_id integer not null,
    primary key (tag, conversation_id)
) strict, without rowid;
create index tagged_conversation on tagged (conversation_id);

-- Texts of people as they stand now: notes and tags of conversations, titles of user sessions.
create table human_texts (
    id              integer primary key,
    kind            text not null check (kind in ('note', 'tag', 'title')),
    conversation_id integer,
    user_session_id text,
    text            text not null,
    check ((conversation_id is null) = (kind = 'title') and (user_session_id is null) = (kind <> 'title'))
) strict;
create index human_texts_conversation on human_texts (conversation_id, kind) where conversation_id is not null;
create unique index human_texts_title on human_texts (user_session_id) where user_session_id is not null;

-- Their words, and every three signs of them in a row; the row id is the text's. `spaced` is a function of our connections:
-- it parts the signs of scripts that are written without blanks, so that each is a word.
create virtual table search_human using fts5 (
    text,
    content = '',
    contentless_delete = 1,
    prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
create virtual table search_human_parts using fts5 (
    text,
    content = '',
    contentless_delete = 1,
    tokenize = "trigram remove_diacritics 1"
);
create trigger human_texts_insert after insert on human_texts begin
    insert into search_human (rowid, text) values (new.id, spaced(new.text));
    insert into search_human_parts (rowid, text) values (new.id, new.text);
end;
create trigger human_texts_delete after delete on human_texts begin
    delete from search_human where rowid = old.id;
    delete from search_human_parts where rowid = old.id;
end;
create trigger tagged_insert after insert on tagged begin
    insert into human_texts (kind, conversation_id, text) values ('tag', new.conversation_id, new.tag);
end;
create trigger tagged_delete after delete on tagged begin
    delete from human_texts where conversation_id = old.conversation_id and kind = 'tag' and text = old.tag;
end;

-- A procedure, which SQLite spells as a view: what is said of a conversation is told again from its histories. An alias has
-- no meanings, so what stands under its id goes.
create view retold (conversation_id, said) as select 0, '' where 0;
create trigger retell instead of insert on retold begin
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
create trigger retell_tags instead of insert on retold when new.said in ('tag', 'all') begin
    delete from tagged
     where conversation_id = new.conversation_id
       and tag not in (select tag from tags_now where conversation_id = new.conversation_id);
    insert into tagged (tag, conversation_id)
    select tag, conversation_id from tags_now n
     where conversation_id = new.conversation_id
       and not exists (select 1 from tagged t where t.tag = n.tag and t.conversation_id = n.conversation_id);
end;
create trigger retell_notes instead of insert on retold when new.said in ('note', 'all') begin
    delete from human_texts where conversation_id = new.conversation_id and kind = 'note';
    insert into human_texts (kind, conversation_id, text)
    select 'note', conversation_id, note from notes_now
     where conversation_id = new.conversation_id order by created_ms, id;
end;

-- A row that is there stays as it is: not even a REPLACE puts another in its place.
create trigger rating_history_once before insert on rating_history when exists (select 1 from rating_history where id = new.id) begin
    select raise(ignore);
end;
create trigger tag_history_once before insert on tag_history when exists (select 1 from tag_history where id = new.id) begin
    select raise(ignore);
end;
create trigger note_history_once before insert on note_history when exists (select 1 from note_history where id = new.id) begin
    select raise(ignore);
end;
create trigger star_history_once before insert on star_history when exists (select 1 from star_history where id = new.id) begin
    select raise(ignore);
end;
create trigger user_sessions_once before insert on user_sessions when exists (select 1 from user_sessions where id = new.id) begin
    select raise(ignore);
end;
create trigger user_session_members_once before insert on user_session_members when exists (select 1 from user_session_members where id = new.id) begin
    select raise(ignore);
end;
create trigger session_titles_once before insert on session_titles when exists (select 1 from session_titles where id = new.id) begin
    select raise(ignore);
end;
create trigger saved_views_once before insert on saved_views when exists (select 1 from saved_views where id = new.id) begin
    select raise(ignore);
end;

create trigger rating_history_told after insert on rating_history begin
    insert into retold
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 'rating');
end;
create trigger star_history_told after insert on star_history begin
    insert into retold
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 'star');
end;
create trigger tag_history_told after insert on tag_history begin
    insert into retold
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 'tag');
end;
create trigger note_history_told after insert on note_history begin
    insert into retold
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 'note');
end;
-- Two ids proved to be one conversation, or two after all.
create trigger aliases_insert after insert on aliases begin
    insert into retold values (new.id, 'all');
    insert into retold values (new.survivor, 'all');
end;
create trigger aliases_update after update on aliases begin
    insert into retold values (old.survivor, 'all');
    insert into retold values (new.id, 'all');
    insert into retold values (new.survivor, 'all');
end;
create trigger aliases_delete after delete on aliases begin
    insert into retold values (old.id, 'all');
    insert into retold values (old.survivor, 'all');
end;
create trigger session_titles_told after insert on session_titles begin
    delete from human_texts where user_session_id = new.user_session_id;
    insert into human_texts (kind, user_session_id, text)
    select 'title', new.user_session_id, newest.title
      from (select title from session_titles where user_session_id = new.user_session_id
             order by created_ms desc, id desc limit 1) newest
     where newest.title is not null;
end;

-- What was said before this.
insert into retold (conversation_id, said)
select distinct m.conversation_id, 'all' from meanings m
 where exists (select 1 from rating_history where conversation_id = m.id)
    or exists (select 1 from star_history where conversation_id = m.id)
    or exists (select 1 from tag_history where conversation_id = m.id)
    or exists (select 1 from note_history where conversation_id = m.id);
insert into human_texts (kind, user_session_id, text)
select 'title', t.user_session_id, t.title from session_titles t
 where t.title is not null
   and not exists (select 1 from session_titles l
                    where l.user_session_id = t.user_session_id and (l.created_ms, l.id) > (t.created_ms, t.id));

-- The member that counts is the same in every reading: of two that begin at one place the newer, then the greater id. One
-- whose first conversation went to another session rests until it is back.
drop view conversation_user_sessions;
create view conversation_user_sessions as
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

-- For a list of the sessions of a project.
create index sessions_cwd on sessions (cwd, ended_ms);

-- One tag in several spellings, as two stores may bring them, is one: `folded`, a function of our connections, says which are
-- (shared/store/src/human/fold.rs). The newest word on it counts, however it is spelled, and it is shown in the spelling that most
-- conversations have it in.

drop trigger retell_tags;
drop view tags_now;
drop table tagged;

-- The newest word on each tag, whichever id it was written to and in whatever spelling.
create view tags_now (conversation_id, key, tag, set_ms) as
select conversation_id, key, tag, created_ms
  from (select m.conversation_id, folded(g.tag) as key, g.tag, g.present, g.created_ms,
               row_number() over (partition by m.conversation_id, folded(g.tag) order by g.created_ms desc, g.id desc) as place
          from meanings m cross join tag_history g on g.conversation_id = m.id)
 where place = 1 and present = 1;

create table tagged (
    key             text not null,      -- what its spellings have in common
    conversation_id integer not null,
    tag             text not null,      -- as it was set there
    set_ms          integer not null,
    primary key (key, conversation_id)
) strict, without rowid;
create index tagged_conversation on tagged (conversation_id);
insert into tagged (key, conversation_id, tag, set_ms) select key, conversation_id, tag, set_ms from tags_now;

-- Every spelling that is in use, and how much it is.
create table spellings (
    tag           text primary key,
    key           text not null,
    conversations integer not null,
    newest_ms     integer not null      -- when it was set last
) strict, without rowid;
create index spellings_key on spellings (key, conversations desc, newest_ms desc, tag);
insert into spellings (tag, key, conversations, newest_ms) select tag, key, count(*), max(set_ms) from tagged group by tag;

-- A tag as it is shown.
create view tags_shown (conversation_id, key, tag) as
select g.conversation_id, g.key,
       (select s.tag from spellings s where s.key = g.key order by s.conversations desc, s.newest_ms desc, s.tag limit 1)
  from tagged g;

delete from human_texts
 where kind = 'tag'
   and not exists (select 1 from tagged t where t.conversation_id = human_texts.conversation_id and t.tag = human_texts.text);
create trigger tagged_insert after insert on tagged begin
    insert into human_texts (kind, conversation_id, text) values ('tag', new.conversation_id, new.tag);
    insert into spellings (tag, key, conversations, newest_ms) values (new.tag, new.key, 1, new.set_ms)
    on conflict do update set conversations = conversations + 1, newest_ms = max(newest_ms, excluded.newest_ms);
end;
create trigger tagged_delete after delete on tagged begin
    delete from human_texts where conversation_id = old.conversation_id and kind = 'tag' and text = old.tag;
    update spellings set conversations = conversations - 1 where tag = old.tag;
    delete from spellings where tag = old.tag and conversations <= 0;
end;
create trigger retell_tags instead of insert on retold when new.said in ('tags', 'all') begin
    delete from tagged
     where conversation_id = new.conversation_id
       and (key, tag) not in (select key, tag from tags_now where conversation_id = new.conversation_id);
    insert into tagged (key, conversation_id, tag, set_ms)
    select key, conversation_id, tag, set_ms from tags_now n
     where conversation_id = new.conversation_id
       and not exists (select 1 from tagged t where t.key = n.key and t.conversation_id = n.conversation_id);
end;

drop view ratings;
create view ratings as
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

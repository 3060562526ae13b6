-- What people say is told once a transaction, not once a row: a bulk change that adds ninety rows to each of ten thousand
-- histories told every conversation ninety times (0008). A row of a history now only notes its conversation in `untold`;
-- whoever added it says `insert into telling values (0)` before committing.

-- Always empty: nothing that refers to it can be committed.
create table never (id integer primary key check (id is null)) strict;

create table untold (
    conversation_id integer primary key,
    tags            integer not null,       -- 1: its tags may be others
    notes           integer not null,       -- 1: its notes may be others
    -- Who forgets to tell cannot commit.
    told            integer not null default 0 references never (id) deferrable initially deferred
) strict;

drop trigger retell_tags;
drop trigger retell_notes;
drop trigger rating_history_told;
drop trigger star_history_told;
drop trigger tag_history_told;
drop trigger note_history_told;
drop trigger aliases_insert;
drop trigger aliases_update;
drop trigger aliases_delete;

create trigger retell_tags instead of insert on retold when new.said in ('tags', 'all') begin
    delete from tagged
     where conversation_id = new.conversation_id
       and tag not in (select tag from tags_now where conversation_id = new.conversation_id);
    insert into tagged (tag, conversation_id)
    select tag, conversation_id from tags_now n
     where conversation_id = new.conversation_id
       and not exists (select 1 from tagged t where t.tag = n.tag and t.conversation_id = n.conversation_id);
end;
create trigger retell_notes instead of insert on retold when new.said in ('notes', 'all') begin
    delete from human_texts where conversation_id = new.conversation_id and kind = 'note';
    insert into human_texts (kind, conversation_id, text)
    select 'note', conversation_id, note from notes_now
     where conversation_id = new.conversation_id order by created_ms, id;
end;

-- One statement for all: the indexes of words write their memory out once.
create view telling (now) as select 0 where 0;
create trigger tell instead of insert on telling begin
    insert into retold (conversation_id, said)
    select conversation_id, case when tags and notes then 'all' when tags then 'tags' when notes then 'notes' else 'marks' end
      from untold;
    delete from untold;
end;

create trigger rating_history_told after insert on rating_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 0, 0)
    on conflict do nothing;
end;
create trigger star_history_told after insert on star_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 0, 0)
    on conflict do nothing;
end;
create trigger tag_history_told after insert on tag_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 1, 0)
    on conflict do update set tags = 1 where tags = 0;
end;
create trigger note_history_told after insert on note_history begin
    insert into untold (conversation_id, tags, notes)
    values (coalesce((select survivor from aliases where id = new.conversation_id), new.conversation_id), 0, 1)
    on conflict do update set notes = 1 where notes = 0;
end;
-- Two ids proved to be one conversation, or two after all.
create trigger aliases_insert after insert on aliases begin
    insert into untold (conversation_id, tags, notes) values (new.id, 1, 1), (new.survivor, 1, 1)
    on conflict do update set tags = 1, notes = 1;
end;
create trigger aliases_update after update on aliases begin
    insert into untold (conversation_id, tags, notes) values (old.survivor, 1, 1), (new.id, 1, 1), (new.survivor, 1, 1)
    on conflict do update set tags = 1, notes = 1;
end;
create trigger aliases_delete after delete on aliases begin
    insert into untold (conversation_id, tags, notes) values (old.id, 1, 1), (old.survivor, 1, 1)
    on conflict do update set tags = 1, notes = 1;
end;

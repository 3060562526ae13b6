-- Words of the titles that sessions have of themselves, so that a title is found as a person's own title is (0008). Derived:
-- triggers follow sessions, so whoever writes those keeps them right. A session's row has no number of its own.

create table titles (
    id         integer primary key,
    session_id text not null unique,
    title      text not null
) strict;
create virtual table search_titles using fts5 (
    text, content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
create virtual table search_title_parts using fts5 (
    text, content = '', contentless_delete = 1, tokenize = 'trigram remove_diacritics 1'
);
create trigger titles_insert after insert on titles begin
    insert into search_titles (rowid, text) values (new.id, spaced(new.title));
    insert into search_title_parts (rowid, text) values (new.id, new.title);
end;
create trigger titles_delete after delete on titles begin
    delete from search_titles where rowid = old.id;
    delete from search_title_parts where rowid = old.id;
end;

create trigger sessions_titled after insert on sessions when new.title is not null begin
    insert into titles (session_id, title) values (new.session_id, new.title);
end;
create trigger sessions_retitled after update of title on sessions when old.title is not new.title begin
    delete from titles where session_id = old.session_id;
    insert into titles (session_id, title) select new.session_id, new.title where new.title is not null;
end;
create trigger sessions_untitled after delete on sessions begin
    delete from titles where session_id = old.session_id;
end;

insert into titles (session_id, title) select session_id, title from sessions where title is not null;

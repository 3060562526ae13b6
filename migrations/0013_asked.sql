-- Ratings that were given from within a session (`/rate`): the hook answered such a prompt and filed its payload under a type
-- of its own. Which conversation is meant is known once what came before it is derived; from then on the rating is a
-- person's word like any other and stays where it is. Whoever adds the event, by whatever way, adds the question.

create table asked_ratings (
    event_id   integer primary key references events (id),
    settled_ms integer                  -- when it was said of a conversation, or found to say nothing; null: it waits
) strict;
create index asked_ratings_waiting on asked_ratings (event_id) where settled_ms is null;

create trigger events_ask after insert on events
when new.event = 'UserPromptSubmit' and substr(new.name, -10) = '-Rate.json' begin
    insert into asked_ratings (event_id) values (new.id);
end;

-- What was kept and read by nobody, or kept twice: lists go by facets since 0007, so the indexes of turns by time and kind
-- only cost room and writes; the rows of usage are found by their place alone, so that is what they lie by.

drop index turns_listed;
drop index turns_newest;
drop index turns_kind;

create table usage_placed (
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
insert into usage_placed
select conversation_id, seq, message_id, request_id, model, input_tokens, output_tokens, cache_creation_tokens,
       cache_read_tokens, cache_creation_1h_tokens, cost
  from usage order by conversation_id, seq;
drop table usage;
alter table usage_placed rename to usage;
-- A message's id is only needed while tokens are counted. Its last signs tell it from others well enough for an index.
create index usage_message on usage (substr(message_id, -8));

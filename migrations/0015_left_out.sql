-- Sessions that began in a folder that the settings ignore. Nothing of such a session is stored, so nothing else tells, once it has
-- gone elsewhere and its transcript is gone or was never written. A row is a hash of one session and of one pattern: whoever has
-- neither cannot tell what it is, and where the pattern is no longer in force it says nothing.

create table left_out (
    key blob primary key                -- 16 bytes
) strict, without rowid;

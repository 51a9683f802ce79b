-- The passkey that a sign-in proved last: it ends with that passkey. Absent for one that was removed since.
ALTER TABLE sign_ins ADD COLUMN passkey TEXT;
UPDATE sign_ins SET passkey =
    (SELECT p.id FROM passkeys p WHERE p.credential_id = json_extract(sign_ins.assertion, '$.id'));

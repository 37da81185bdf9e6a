### What the server says to people. A message is one whole text: no terms, attributes, functions or references.
### Every language has the same ids with the same parameters; a test compares them.

## One message for each error code: the id is the code.

UNAUTHENTICATED = Please log in and try again.
TOKEN_EXPIRED = Your log-in has expired. Renew it and try again.
# $policy: one of the texts policy-*.
FORBIDDEN = You do not have access to this. It is open only to { $policy }.
# $detail: one or more sentences, such as one of the texts request-*.
BAD_REQUEST = The request could not be understood: { $detail }
# Clients know this text by heart: it stays as it is.
# $supported: all versions, parted by commas.
UNSUPPORTED_API_VERSION = Unsupported api-version '{ $version }'. The supported api-versions are '{ $supported }'.
PERSISTED_QUERY_NOT_FOUND = This document is not known here yet. Send it in full.
COST_EXCEEDED = The request costs { $cost }, and no more than { $allowed } is allowed. Ask for less at a time.
RATE_LIMITED = Too many requests. Please try again in { $seconds ->
        [one] { $seconds } second
       *[other] { $seconds } seconds
    }.
REPEATED_REQUEST_MISMATCH = A different request was already sent with this id. Use a new id for a new request.
CURSOR_EXPIRED = Your place in the list can no longer be found. Please read it again from the start.
# $requestId: names the failure in the server's log.
INTERNAL_ERROR = Something went wrong on our side. Please try again later; if it happens again, tell us this reference: { $requestId }
UNAVAILABLE = The service cannot take your request at the moment. Please try again shortly.
INVALID_INPUT = A value is not allowed.
INCORRECT_EMAIL = Please enter a valid e-mail address.
PASSWORD_REQUIRED = Please enter a password.
PASSWORD_TOO_WEAK = This password is too easy to guess. Please choose a stronger one.
# Must not tell whether the address is known.
LOGIN_FAILED = The e-mail address or the password is not correct. Please check both and try again.
EMAIL_NOT_CONFIRMED = Please confirm your e-mail address first, with the code that we sent you.
INCORRECT_SECURITY_CODE = This security code is wrong, was already used or has expired. Check it, or ask for a new one.
# Must not tell whether the address is known.
TOO_MANY_ATTEMPTS = Too many failed attempts. Please try again in { $seconds ->
        [one] { $seconds } second
       *[other] { $seconds } seconds
    }.
INVALID_PERMIT = Your log-in is no longer valid. Please log in again.
INVALID_SHARE = There is no such share in this industry. Please check which one you mean.
INVALID_INDUSTRY = There is no such industry. Please check which one you mean.
USER_NOT_FOUND = There is no such trader. Please check which one you mean.
TAG_TAKEN = This tag is already in use. Please choose another.
VERSION_CONFLICT = Someone else has changed this in the meantime. Please read it again and repeat your change.
INDUSTRY_NOT_EMPTY = This industry still has shares. Remove or move them first.

## What a value has to be: finer texts for INVALID_INPUT.

# $min counts characters.
rule-too-short = Please enter at least { $min ->
        [one] { $min } character
       *[other] { $min } characters
    }.
# $max counts characters.
rule-too-long = Please enter no more than { $max ->
        [one] { $max } character
       *[other] { $max } characters
    }.
rule-too-small = Please enter { $min } or more.
rule-too-large = Please enter { $max } or less.
# $places counts the digits after the decimal point.
rule-too-many-decimals = Please enter no more than { $places ->
        [one] { $places } decimal place
       *[other] { $places } decimal places
    }.
rule-not-a-number = Please enter a number.
rule-pattern-no-white-space = Please leave out all spaces.
rule-email = Please enter a valid e-mail address, such as name@example.com.
rule-required = Please enter a value.
rule-unwritable = This text holds a character that cannot be stored. Please remove it.
# $type: the name of a type of the schema.
rule-wrong-type = This has to be a value of the type { $type }.
# $type: the name of a type of the schema.
rule-null = A value of the type "{ $type }" cannot be null.
rule-missing-field = The field "{ $field }" of the type "{ $type }" is missing.
# $name: of a variable.
rule-variable-null = The variable "${ $name }" cannot be null here.
rule-variable-missing = The variable "${ $name }" has to have a value here.
rule-day = Please give a day that exists, in the form "2026-01-31".
rule-moment = Please give a moment that exists, in the form "2026-01-31T12:00:00Z".
rule-number-out-of-range = This number is too large, or too close to zero.
rule-nested-too-deep = The values of the variables are nested too deep.
rule-not-in-future = Please enter a date that is not in the future.
# $locales: tags of languages, parted by commas.
rule-unknown-locale = Please choose one of these languages: { $locales }.
# $max counts the entries of a list.
rule-too-many-items = Please give no more than { $max ->
        [one] { $max } entry
       *[other] { $max } entries
    }.
rule-one-of = Please give exactly one of these fields.

## What is wrong with a request: the detail of BAD_REQUEST.

request-not-json = The body is not valid JSON.
request-body-not-object = The body has to be a JSON object.
request-batch = Send one operation at a time: lists of operations are not taken.
request-batch-empty = There is no operation in the list.
# $most counts the operations that are allowed.
request-batch-too-long = No more than { $most ->
        [one] { $most } operation
       *[other] { $most } operations
    } can be sent in a list.
request-batch-stream = The answer to a list of operations cannot be a stream of events. Accept application/json.
# $most counts seconds.
request-too-slow = The request did not come in whole within { $most ->
        [one] { $most } second
       *[other] { $most } seconds
    }.
# $most counts bytes.
request-head-too-large = The address and the headers of the request are larger than { $most ->
        [one] { $most } byte
       *[other] { $most } bytes
    }.
request-no-document = There is no GraphQL document in it. Send one as "query".
request-wrong-parameter = The parameter "{ $parameter }" does not have the right form.
request-syntax = There is a syntax error in line { $line }, column { $column } of the document.
request-invalid-document = The document or its variables do not fit the schema.
request-several-operations = The document holds several operations. Say which one with "operationName".
request-other-document = The hash that the document is named by is not its own.
request-untrusted-document = Only documents that the operator has put on record are taken here.
request-unknown-operation = The document holds no operation called "{ $name }".
request-no-operation = The document holds no operation.
request-introspection = The schema is not given to callers who are not known. Log in, or ask the operator for it.
request-method = The method { $method } cannot be used here. Use POST, or GET for queries.
request-media-type = The body is of a media type that is not supported. Send it as application/json.
request-not-acceptable = None of the media types in the header Accept can be given. Accept application/json.
request-mutation-by-get = Only queries can be sent by GET. Use POST.
request-subscription = Subscriptions go on, so they cannot be answered as JSON. Use a WebSocket, or accept text/event-stream.
request-foreign-origin = Pages of this origin may not open a connection to this server.
# $most counts the operations that are allowed.
request-too-many-operations = There are { $most } operations on this connection already, and no more are allowed. End one first.
# $bytes counts the bytes that are allowed.
request-too-large = The body is larger than { $bytes ->
        [one] { $bytes } byte
       *[other] { $bytes } bytes
    }. Send less at a time.
request-repeat-one-id = A repeatable request needs exactly one id, in the header Repeatability-Request-ID or Idempotency-Key.
request-repeat-id = The header Repeatability-Request-ID has to be a GUID.
request-repeat-key = The header Idempotency-Key has to be a text of up to 255 visible characters.
request-repeat-first-sent = The header Repeatability-First-Sent has to be the moment when the request was first sent, in the form "Mon, 15 Jun 2026 12:00:00 GMT".
request-repeat-too-long-ago = The request was first sent too long ago, or its clock is wrong. Send it as a new request.
request-repeat-stream = The answer to a repeatable request cannot be a stream of events. Accept application/json.
request-repeat-password-alone = A field that checks or sets a password has to stand alone in a repeatable request.
request-repeat-batch = A repeatable request is one operation, not a list of them.
request-not-found = There is nothing at this address.
# $versions: two or more, parted by commas.
request-several-versions = It asks for several API versions: { $versions }. Ask for one.
request-method-here = The method { $method } cannot be used at this address.
request-malformed = The request has not the right form.

## What is wrong with a document: the detail of BAD_REQUEST. Names stand in quotes, as the document and the schema
## have them. Types are those of the schema, such as [ShareOrder!].

# $name: of what it defines, or "schema".
document-not-executable = It defines "{ $name }", and only operations and fragments can be executed.
# $kind: query, mutation or subscription.
document-no-such-operation = There are no operations of the kind "{ $kind }" here.
document-operation-twice = Several operations are called "{ $name }".
document-nameless-operation = An operation without a name has to be the only one in its document.
document-subscription-root = At its top level a subscription has exactly one field, which does not begin with "__" and has neither "@skip" nor "@include".
document-unknown-type = There is no type "{ $type }".
document-fragment-type = A fragment cannot be on "{ $type }", which is not a type with fields.
document-variable-type = The variable "${ $name }" cannot be of the type "{ $type }", which is not a type for inputs.
document-no-subfields = The field "{ $field }" is of the type "{ $type }", which has no fields to select.
document-needs-subfields = The field "{ $field }" is of the type "{ $type }": say which of its fields you want.
document-unknown-field = The type "{ $type }" has no field "{ $field }".
document-fragment-twice = Several fragments are called "{ $name }".
document-unknown-fragment = The document has no fragment "{ $name }".
document-unused-fragment = The fragment "{ $name }" is not used.
document-impossible-fragment = A fragment on "{ $type }" cannot stand here: nothing of the type "{ $parent }" is ever of that type.
document-fragment-cycle = The fragment "{ $name }" contains itself.
document-variable-twice = Several variables are called "${ $name }".
document-undeclared-variable = The variable "${ $name }" is used, but not declared by the operation.
document-unused-variable = The variable "${ $name }" is declared, but not used.
document-unknown-directive = There is no directive "@{ $name }".
# $place: what it stands at, such as query or field.
document-directive-place = The directive "@{ $name }" cannot stand here ("{ $place }").
document-directive-twice = The directive "@{ $name }" can stand here only once.
document-incremental = Answers are given in one piece: "@defer" and "@stream" cannot be used.
# $on: a field with its type, such as Query.shares, or a directive or fragment.
document-unknown-argument = There is no argument "{ $argument }" for "{ $on }".
document-argument-twice = The argument "{ $argument }" is given several times.
document-missing-argument = The argument "{ $argument }" of the type "{ $type }" is missing for "{ $on }".
# $wanted: the type that is needed.
document-variable-position = The variable "${ $name }" of the type "{ $type }" cannot stand where "{ $wanted }" is needed.
document-variable-one-of = The variable "${ $name }" of the type "{ $type }" could be null, which "{ $wanted }" does not take.
# $field: under which name they would be answered.
document-different-fields = Two values would be called "{ $field }" in the answer, but "{ $one }" and "{ $other }" are different fields. Give one of them an alias.
document-different-arguments = Two values would be called "{ $field }" in the answer, but their arguments differ. Give one of them an alias.
document-different-types = Two values would be called "{ $field }" in the answer, but one is of the type "{ $one }" and the other of "{ $other }". Give one of them an alias.
document-conflict = Two values would be called "{ $field }" in the answer, but they differ. Give one of them an alias.
document-field-twice = The field "{ $field }" is given several times.
document-deep-introspection = The introspection goes from list to list too often.
document-entangled = The document is too involved to be checked. Ask for less at a time.

# Follow some of these: what may be meant instead. $names: of fields, values or types, in quotes, parted by commas.
document-similar = Similar names: { $names }.
document-of-types = It can be had in a fragment on one of these types: { $names }.

## The page at the front door.

home-what = Look up the share prices of industries, with GraphQL.
home-graphiql = Explore the API in the browser
home-schema = The schema as a file
home-readiness = Whether the server is ready

## What a password has to be: finer texts for PASSWORD_TOO_WEAK.

# $min counts characters.
password-too-short = Please choose a password with at least { $min ->
        [one] { $min } character
       *[other] { $min } characters
    }.
# $max counts characters.
password-too-long = Please choose a password with no more than { $max ->
        [one] { $max } character
       *[other] { $max } characters
    }.
password-needs-digit = Please put at least one digit into the password.
password-needs-lowercase = Please put at least one lower-case letter into the password.
password-needs-uppercase = Please put at least one upper-case letter into the password.
password-needs-non-alphanumeric = Please put at least one character into the password that is neither a letter nor a digit.
# $count: how many different characters are needed.
password-too-uniform = Please choose a password with at least { $count ->
        [one] { $count } character
       *[other] { $count } different characters
    }.
password-leaked = This password is known from data leaks. Please choose another.
password-personal = This password holds your name or a part of your e-mail address. Please choose another.

## Who may do something. These texts stand inside FORBIDDEN, after "open only to".

policy-ANYONE = everyone
policy-ALL_TRADERS = traders with a confirmed e-mail address
policy-SKILLED_TRADERS = traders with at least one full year of service
policy-TRADER_MANAGERS = traders with at least five full years of service
policy-ADMINISTRATORS = administrators

## Why a trader satisfies a policy or does not. The reader may be the trader or somebody else.

reason-anyone = Everyone may do this.
reason-confirmed = The e-mail address is confirmed.
reason-not-confirmed = The e-mail address is not confirmed yet.
# $years counts the full years of service, $needed those that are needed.
reason-years-satisfied = { $years ->
        [one] { $years } full year
       *[other] { $years } full years
    } of service; { $needed ->
        [one] { $needed } is needed
       *[other] { $needed } are needed
    }.
# $date: the day from which there will be enough.
reason-years-missing = { $years ->
        [one] { $years } full year
       *[other] { $years } full years
    } of service; { $needed ->
        [one] { $needed } is needed
       *[other] { $needed } are needed
    }. It will be enough from { $date }.
reason-joining-date-unverified = An administrator has not verified the joining date yet.
reason-administrator = This is an administrator.
reason-not-administrator = This is not an administrator.

## The second factor

SECOND_FACTOR_REQUIRED = The password is right. Please also enter the code from your authenticator app.
INCORRECT_SECOND_FACTOR = This code is wrong or has been used already. Please enter the one that your app shows now.
two-factor-on = Two-factor log-in is already switched on.
two-factor-off = Two-factor log-in is not switched on.

## E-mails: for each kind a subject, which holds no code for it shows on locked screens, and a text. Its
## paragraphs are parted by empty lines, and one that is nothing but { $code } is shown large. They name
## nobody: a stranger may have typed the name.

# Ends every e-mail.
mail-signature = This e-mail was sent automatically by the Share Price Viewer. Please do not reply to it.

mail-confirm-email-subject = Your code to confirm your e-mail address
mail-confirm-email-text =
    Someone (you, we hope) registered this e-mail address with the Share Price Viewer. To confirm it, please enter this code:

    { $code }

    It can be used once, within { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    } of your asking for it. Keep it secret: we will never ask you for it.

    If you did not ask for this, please ignore this e-mail.

mail-already-registered-subject = You are already registered
mail-already-registered-text =
    Someone (you, we hope) tried to register this e-mail address with the Share Price Viewer. It is registered already, so nothing has changed.

    To log in, use the password that you have. If you have forgotten it, ask for a code to choose a new one.

    If this was not you, please ignore this e-mail.

mail-change-password-subject = Your code to choose a new password
mail-change-password-text =
    Someone (you, we hope) asked for a new password for your account at the Share Price Viewer. To choose it, please enter this code:

    { $code }

    It can be used once, within { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    } of your asking for it. Keep it secret: whoever has it can take over your account. We will never ask you for it.

    If you did not ask for this, please ignore this e-mail. Your password stays as it is.

mail-password-changed-subject = Your password was changed
# $time: a moment in UTC, such as 2026-06-15 12:00 UTC.
mail-password-changed-text =
    The password of your account at the Share Price Viewer was changed at { $time }. Your other devices were logged out.

    If this was you, there is nothing more to do.

    If this was not you, ask for a code to choose a new password at once.

mail-locked-out-subject = Logging in to your account is paused
mail-locked-out-text =
    There were several failed attempts to log in to your account at the Share Price Viewer. Nobody can log in to it for { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.

    If this was you, please try again after that, or ask for a code to choose a new password.

    If this was not you, someone may be trying to guess your password. Make sure that it is a strong one and that you use it nowhere else.

mail-two-factor-enabled-subject = Two-factor log-in is switched on
# $time: a moment in UTC, such as 2026-06-15 12:00 UTC.
mail-two-factor-enabled-text =
    Two-factor log-in was switched on for your account at the Share Price Viewer at { $time }. From now on, logging in takes a code from your authenticator app as well as your password.

    Keep your recovery codes in a safe place. Each lets you log in once without the app.

    If this was not you, choose a new password at once and tell an administrator.

mail-two-factor-disabled-subject = Two-factor log-in is switched off
# $time: a moment in UTC, such as 2026-06-15 12:00 UTC.
mail-two-factor-disabled-text =
    Two-factor log-in was switched off for your account at the Share Price Viewer at { $time }. From now on, your password is enough to log in.

    If this was you, there is nothing more to do.

    If this was not you, choose a new password at once and switch two-factor log-in on again.

mail-recovery-code-used-subject = A recovery code was used
# $remaining counts the codes that are left.
mail-recovery-code-used-text =
    A recovery code was used in place of the authenticator app for your account at the Share Price Viewer. { $remaining ->
        [0] You have no recovery codes left.
        [one] You have { $remaining } recovery code left.
       *[other] You have { $remaining } recovery codes left.
    }

    If this was you, ask for new recovery codes before you run out of them.

    If this was not you, choose a new password at once and ask for new recovery codes.

## How long an operation may take: finer texts for UNAVAILABLE.

unavailable-out-of-time = The operation took too long and was given up. Ask for less at a time, or try again shortly.
unavailable-server-ends = The server is being restarted and has given this up. Try again shortly.

## How large an operation may be: finer texts for COST_EXCEEDED.

limit-characters = The document has { $found } characters, and no more than { $most } are allowed.
limit-tokens = The document has more than { $most } tokens, and no more are allowed.
limit-operations = The document holds { $found } operations, and no more than { $most } are allowed.
limit-depth = Fields are nested { $found } deep, and no deeper than { $most } is allowed.
limit-fields = The operation has { $found } fields, counting each fragment wherever it is spread, and no more than { $most } are allowed.
limit-root-fields = The operation has { $found } fields at its top level, and no more than { $most } are allowed.
limit-aliases = The operation has { $found } aliases, and no more than { $most } are allowed.
limit-directives = The operation has { $found } directives, and no more than { $most } are allowed.
limit-introspection = The introspection goes from type to type { $found } times, and no more than { $most } are allowed.

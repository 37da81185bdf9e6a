### What the server says to people, in Sinhala.
### The plural category "one" holds zero as well in Sinhala, so that the forms for a single thing are chosen by
### the number itself, [1].

## One message for each error code: the id is the code.

UNAUTHENTICATED = කරුණාකර පිවිසී නැවත උත්සාහ කරන්න.
TOKEN_EXPIRED = ඔබේ පිවිසුම කල් ඉකුත් වී ඇත. එය අලුත් කර නැවත උත්සාහ කරන්න.
# $policy: one of the texts policy-*.
FORBIDDEN = මේ සඳහා ඔබට අවසර නැත. අවසර ඇත්තේ { $policy } සඳහා පමණි.
# $detail: one or more sentences, such as one of the texts request-*.
BAD_REQUEST = ඉල්ලීම තේරුම් ගත නොහැකි විය: { $detail }
# $supported: all versions, parted by commas.
UNSUPPORTED_API_VERSION = '{ $version }' යන api-version සඳහා සහාය නොදක්වයි. සහාය දක්වන api-version මේවාය: '{ $supported }'.
PERSISTED_QUERY_NOT_FOUND = මෙම ලේඛනය තවම මෙහි නැත. එය සම්පූර්ණයෙන් එවන්න.
COST_EXCEEDED = ඉල්ලීමේ පිරිවැය { $cost }කි; අවසර ඇත්තේ උපරිම වශයෙන් { $allowed }කට පමණි. වරකට අඩුවෙන් ඉල්ලන්න.
RATE_LIMITED = ඔබ එවූ ඉල්ලීම් ප්‍රමාණය සීමාව ඉක්මවා ඇත. කරුණාකර { $seconds ->
        [1] තත්පරයකින්
       *[other] තත්පර { $seconds }කින්
    } නැවත උත්සාහ කරන්න.
REPEATED_REQUEST_MISMATCH = මෙම හැඳුනුම් අංකය සමඟ වෙනත් ඉල්ලීමක් දැනටමත් එවා ඇත. අලුත් ඉල්ලීමකට අලුත් අංකයක් යොදන්න.
CURSOR_EXPIRED = ලැයිස්තුවේ ඔබ සිටි තැන තවදුරටත් සොයාගත නොහැක. කරුණාකර එය මුල සිට නැවත කියවන්න.
# $requestId: names the failure in the server's log.
INTERNAL_ERROR = අප අතින් දෝෂයක් සිදු විය. කරුණාකර පසුව නැවත උත්සාහ කරන්න; යළිත් එසේ වුවහොත් මෙම අංකය අපට දන්වන්න: { $requestId }
UNAVAILABLE = සේවාවට මේ මොහොතේ ඔබේ ඉල්ලීම භාරගත නොහැක. කරුණාකර මඳ වේලාවකින් නැවත උත්සාහ කරන්න.
INVALID_INPUT = අවසර නැති අගයක් ඇතුළත් කර ඇත.
INCORRECT_EMAIL = කරුණාකර වලංගු ඊමේල් ලිපිනයක් ඇතුළත් කරන්න.
PASSWORD_REQUIRED = කරුණාකර මුරපදයක් ඇතුළත් කරන්න.
PASSWORD_TOO_WEAK = මෙම මුරපදය පහසුවෙන් අනුමාන කළ හැක. කරුණාකර වඩා ශක්තිමත් මුරපදයක් තෝරන්න.
# Must not tell whether the address is known.
LOGIN_FAILED = ඊමේල් ලිපිනය හෝ මුරපදය නිවැරදි නැත. කරුණාකර දෙකම පරීක්ෂා කර නැවත උත්සාහ කරන්න.
EMAIL_NOT_CONFIRMED = කරුණාකර පළමුව, අප එවූ කේතයෙන් ඔබේ ඊමේල් ලිපිනය තහවුරු කරන්න.
INCORRECT_SECURITY_CODE = මෙම ආරක්ෂක කේතය වැරදිය, දැනටමත් භාවිත කර ඇත, නැතහොත් කල් ඉකුත් වී ඇත. එය පරීක්ෂා කරන්න, නැතහොත් අලුත් කේතයක් ඉල්ලන්න.
# Must not tell whether the address is known.
TOO_MANY_ATTEMPTS = අසාර්ථක උත්සාහ ප්‍රමාණය සීමාව ඉක්මවා ඇත. කරුණාකර { $seconds ->
        [1] තත්පරයකින්
       *[other] තත්පර { $seconds }කින්
    } නැවත උත්සාහ කරන්න.
INVALID_PERMIT = ඔබේ පිවිසුම තවදුරටත් වලංගු නැත. කරුණාකර නැවත පිවිසෙන්න.
INVALID_SHARE = මෙම කර්මාන්තයේ එවැනි කොටසක් නැත. කරුණාකර ඔබ අදහස් කරන කොටස පරීක්ෂා කරන්න.
INVALID_INDUSTRY = එවැනි කර්මාන්තයක් නැත. කරුණාකර ඔබ අදහස් කරන කර්මාන්තය පරීක්ෂා කරන්න.
USER_NOT_FOUND = එවැනි වෙළෙන්දෙක් නැත. කරුණාකර ඔබ අදහස් කරන වෙළෙන්දා කවුදැයි පරීක්ෂා කරන්න.
TAG_TAKEN = මෙම ටැගය දැනටමත් භාවිත වේ. කරුණාකර වෙනත් ටැගයක් තෝරන්න.
VERSION_CONFLICT = මේ අතරතුර වෙනත් අයෙක් මෙය වෙනස් කර ඇත. කරුණාකර එය නැවත කියවා ඔබේ වෙනස්කම නැවත කරන්න.
INDUSTRY_NOT_EMPTY = මෙම කර්මාන්තයේ තවමත් කොටස් ඇත. පළමුව ඒවා ඉවත් කරන්න, නැතහොත් වෙනත් කර්මාන්තයකට ගෙන යන්න.

## What a value has to be: finer texts for INVALID_INPUT.

# $min counts characters.
rule-too-short = කරුණාකර අවම වශයෙන් { $min ->
        [1] එක් අනුලකුණක්
       *[other] අනුලකුණු { $min }ක්
    } ඇතුළත් කරන්න.
# $max counts characters.
rule-too-long = කරුණාකර { $max ->
        [1] එක් අනුලකුණකට
       *[other] අනුලකුණු { $max }කට
    } වඩා ඇතුළත් නොකරන්න.
rule-too-small = කරුණාකර { $min } හෝ ඊට වැඩි අගයක් ඇතුළත් කරන්න.
rule-too-large = කරුණාකර { $max } හෝ ඊට අඩු අගයක් ඇතුළත් කරන්න.
# $places counts the digits after the decimal point.
rule-too-many-decimals = කරුණාකර { $places ->
        [1] එක් දශමස්ථානයකට
       *[other] දශමස්ථාන { $places }කට
    } වඩා ඇතුළත් නොකරන්න.
rule-not-a-number = කරුණාකර සංඛ්‍යාවක් ඇතුළත් කරන්න.
rule-pattern-no-white-space = කරුණාකර හිස්තැන් රහිතව ඇතුළත් කරන්න.
rule-email = කරුණාකර name@example.com වැනි වලංගු ඊමේල් ලිපිනයක් ඇතුළත් කරන්න.
rule-required = කරුණාකර අගයක් ඇතුළත් කරන්න.
rule-unwritable = මෙම පාඨයේ ගබඩා කළ නොහැකි අනුලකුණක් ඇත. කරුණාකර එය ඉවත් කරන්න.
# $type: the name of a type of the schema.
rule-wrong-type = මෙය { $type } වර්ගයේ අගයක් විය යුතුය.
# $type: the name of a type of the schema.
rule-null = "{ $type }" වර්ගයේ අගයක් null විය නොහැක.
rule-missing-field = "{ $type }" වර්ගයේ "{ $field }" ක්ෂේත්‍රය ලබා දී නැත.
# $name: of a variable.
rule-variable-null = "${ $name }" විචල්‍යය මෙහි null විය නොහැක.
rule-variable-missing = "${ $name }" විචල්‍යයට මෙහි අගයක් තිබිය යුතුය.
rule-day = කරුණාකර දින දර්ශනයේ ඇති දිනයක් "2026-01-31" ආකෘතියෙන් ඇතුළත් කරන්න.
rule-moment = කරුණාකර වලංගු මොහොතක් "2026-01-31T12:00:00Z" ආකෘතියෙන් ඇතුළත් කරන්න.
rule-number-out-of-range = මෙම සංඛ්‍යාව ඕනෑවට වඩා විශාලය, නැතහොත් ශුන්‍යයට ඕනෑවට වඩා ආසන්නය.
rule-nested-too-deep = විචල්‍යවල අගයන් එකක් තුළ එකක් ලෙස ඕනෑවට වඩා ගැඹුරට යයි.
rule-not-in-future = කරුණාකර අනාගත දිනයක් නොවන දිනයක් ඇතුළත් කරන්න.
# $locales: tags of languages, parted by commas.
rule-unknown-locale = කරුණාකර මෙම භාෂාවලින් එකක් තෝරන්න: { $locales }.
# $max counts the entries of a list.
rule-too-many-items = කරුණාකර { $max ->
        [1] එක් අයිතමයකට
       *[other] අයිතම { $max }කට
    } වඩා ලබා නොදෙන්න.
rule-one-of = කරුණාකර මෙම ක්ෂේත්‍ර අතරින් හරියටම එකක් ලබා දෙන්න.

## What is wrong with a request: the detail of BAD_REQUEST.

request-not-json = ඉල්ලීමේ අන්තර්ගතය වලංගු JSON නොවේ.
request-body-not-object = ඉල්ලීමේ අන්තර්ගතය JSON වස්තුවක් (object) විය යුතුය.
request-batch = වරකට එක් මෙහෙයුමක් පමණක් එවන්න: මෙහෙයුම් ලැයිස්තු භාර නොගනී.
request-batch-empty = මෙහෙයුම් ලැයිස්තුවේ කිසිවක් නැත.
# $most counts the operations that are allowed.
request-batch-too-long = එක් ලැයිස්තුවකින් එවිය හැක්කේ උපරිම වශයෙන් { $most ->
        [1] එක් මෙහෙයුමක්
       *[other] මෙහෙයුම් { $most }ක්
    } පමණි.
request-batch-stream = මෙහෙයුම් ලැයිස්තුවකට පිළිතුර සිදුවීම් ප්‍රවාහයක් විය නොහැක. application/json පිළිගන්න.
# $most counts seconds.
request-too-slow = { $most ->
        [1] තත්පරයක්
       *[other] තත්පර { $most }ක්
    } ඇතුළත ඉල්ලීම සම්පූර්ණයෙන් ලැබුණේ නැත.
# $most counts bytes.
request-head-too-large = ඉල්ලීමේ ලිපිනය සහ ශීර්ෂ (headers) { $most ->
        [1] එක් බයිටයකට
       *[other] බයිට { $most }කට
    } වඩා විශාලයි.
request-no-document = එහි GraphQL ලේඛනයක් නැත. එය "query" ලෙස එවන්න.
request-wrong-parameter = "{ $parameter }" පරාමිතියේ ආකෘතිය නිවැරදි නැත.
request-syntax = ලේඛනයේ { $line } වන පේළියේ { $column } වන තීරුවේ කාරක රීති දෝෂයක් ඇත.
request-invalid-document = ලේඛනය හෝ එහි විචල්‍ය යෝජනා ක්‍රමයට (schema) නොගැළපේ.
request-several-operations = ලේඛනයේ මෙහෙයුම් කිහිපයක් ඇත. අවශ්‍ය එක "operationName" මගින් සඳහන් කරන්න.
request-other-document = ලේඛනය සහ එය නම් කර ඇති හැෂ් අගය (hash) එකිනෙකට නොගැළපේ.
request-untrusted-document = මෙහි පිළිගන්නේ සේවාව පවත්වාගෙන යන්නා ලියාපදිංචි කර ඇති ලේඛන පමණි.
request-unknown-operation = ලේඛනයේ "{ $name }" නමින් මෙහෙයුමක් නැත.
request-no-operation = ලේඛනයේ මෙහෙයුමක් නැත.
request-introspection = නොහඳුනන අයට යෝජනා ක්‍රමය (schema) ලබා නොදේ. පිවිසෙන්න, නැතහොත් එය සේවාව පවත්වාගෙන යන්නාගෙන් ඉල්ලන්න.
request-method = { $method } ක්‍රමය මෙහි භාවිත කළ නොහැක. POST, නැතහොත් විමසුම් සඳහා GET භාවිත කරන්න.
request-media-type = ඉල්ලීමේ අන්තර්ගතයේ මාධ්‍ය වර්ගයට සහාය නොදක්වයි. එය application/json ලෙස එවන්න.
request-not-acceptable = Accept ශීර්ෂකයේ ඇති මාධ්‍ය වර්ග කිසිවක් ලබා දිය නොහැක. application/json පිළිගන්න.
request-mutation-by-get = GET මගින් එවිය හැක්කේ විමසුම් පමණි. POST භාවිත කරන්න.
request-subscription = දායකත්වයක් (subscription) දිගටම ක්‍රියාත්මක වන බැවින් එයට JSON ලෙස පිළිතුරු දිය නොහැක. WebSocket එකක් භාවිත කරන්න, නැතහොත් text/event-stream පිළිගන්න.
request-foreign-origin = මෙම මූලාරම්භයේ (origin) පිටුවලට මේ සේවාදායකය වෙත සම්බන්ධතාවක් විවෘත කළ නොහැක.
# $most counts the operations that are allowed.
request-too-many-operations = මෙම සම්බන්ධතාවයේ දැනටමත් මෙහෙයුම් { $most }ක් ඇත; ඊට වඩා අවසර නැත. පළමුව එකක් අවසන් කරන්න.
# $bytes counts the bytes that are allowed.
request-too-large = ඉල්ලීමේ අන්තර්ගතය { $bytes ->
        [1] එක් බයිටයකට
       *[other] බයිට { $bytes }කට
    } වඩා විශාලය. වරකට අඩුවෙන් එවන්න.
request-repeat-one-id = නැවත එවිය හැකි ඉල්ලීමකට හරියටම එක් හැඳුනුම් අංකයක් අවශ්‍යය. එය Repeatability-Request-ID හෝ Idempotency-Key ශීර්ෂකයේ යොදන්න.
request-repeat-id = Repeatability-Request-ID ශීර්ෂකය GUID එකක් විය යුතුය.
request-repeat-key = Idempotency-Key ශීර්ෂකය දෘශ්‍ය අක්ෂර 255ක් දක්වා වූ පෙළක් විය යුතුය.
request-repeat-first-sent = Repeatability-First-Sent ශීර්ෂකය ඉල්ලීම මුලින්ම එවූ මොහොත "Mon, 15 Jun 2026 12:00:00 GMT" ආකෘතියෙන් දැක්විය යුතුය.
request-repeat-too-long-ago = ඉල්ලීම මුලින්ම එවා බොහෝ කල් ගත වී ඇත, නැතහොත් එවූ උපාංගයේ ඔරලෝසුව වැරදිය. එය අලුත් ඉල්ලීමක් ලෙස එවන්න.
request-repeat-stream = නැවත එවිය හැකි ඉල්ලීමකට පිළිතුර සිදුවීම් ප්‍රවාහයක් විය නොහැක. application/json පිළිගන්න.
request-repeat-password-alone = මුරපදයක් පරීක්ෂා කරන හෝ සකසන ක්ෂේත්‍රයක්, නැවත එවිය හැකි ඉල්ලීමක තනිව තිබිය යුතුය.
request-repeat-batch = නැවත එවිය හැකි ඉල්ලීමක තිබිය හැක්කේ එක් මෙහෙයුමක් පමණි; එය ලැයිස්තුවක් විය නොහැක.
request-not-found = මෙම ලිපිනයේ කිසිවක් නැත.
# $versions: two or more, parted by commas.
request-several-versions = එය API අනුවාද කිහිපයක් ඉල්ලයි: { $versions }. එකක් පමණක් ඉල්ලන්න.
request-method-here = { $method } ක්‍රමය මෙම ලිපිනයේ භාවිත කළ නොහැක.
request-malformed = ඉල්ලීමේ ආකෘතිය නිවැරදි නැත.

## What is wrong with a document: the detail of BAD_REQUEST. Names stand in quotes, as the document and the schema
## have them. Types are those of the schema, such as [ShareOrder!].

# $name: of what it defines, or "schema".
document-not-executable = එහි "{ $name }" අර්ථ දක්වා ඇත; නමුත් ක්‍රියාත්මක කළ හැක්කේ මෙහෙයුම් සහ ඛණ්ඩ (fragments) පමණි.
# $kind: query, mutation or subscription.
document-no-such-operation = මෙහි "{ $kind }" වර්ගයේ මෙහෙයුම් නැත.
document-operation-twice = මෙහෙයුම් කිහිපයක් "{ $name }" ලෙස නම් කර ඇත.
document-nameless-operation = නමක් නැති මෙහෙයුමක් එහි ලේඛනයේ ඇති එකම මෙහෙයුම විය යුතුය.
document-subscription-root = දායකත්වයක (subscription) ඉහළම මට්ටමේ තිබිය යුත්තේ එක් ක්ෂේත්‍රයක් පමණි; එහි නම "__" වලින් ආරම්භ නොවිය යුතු අතර, එයට "@skip" හෝ "@include" යෙදිය නොහැක.
document-unknown-type = "{ $type }" නමින් වර්ගයක් නැත.
document-fragment-type = ඛණ්ඩයක් (fragment) "{ $type }" මත තැබිය නොහැක; එය ක්ෂේත්‍ර ඇති වර්ගයක් නොවේ.
document-variable-type = "${ $name }" විචල්‍යය "{ $type }" වර්ගයේ විය නොහැක; එය ආදාන සඳහා වූ වර්ගයක් නොවේ.
document-no-subfields = "{ $field }" ක්ෂේත්‍රය "{ $type }" වර්ගයේ එකකි; එහි තෝරා ගත හැකි ක්ෂේත්‍ර නැත.
document-needs-subfields = "{ $field }" ක්ෂේත්‍රය "{ $type }" වර්ගයේ එකකි: එහි ඔබට අවශ්‍ය ක්ෂේත්‍ර සඳහන් කරන්න.
document-unknown-field = "{ $type }" වර්ගයේ "{ $field }" නමින් ක්ෂේත්‍රයක් නැත.
document-fragment-twice = ඛණ්ඩ (fragments) කිහිපයක් "{ $name }" ලෙස නම් කර ඇත.
document-unknown-fragment = ලේඛනයේ "{ $name }" නමින් ඛණ්ඩයක් (fragment) නැත.
document-unused-fragment = "{ $name }" ඛණ්ඩය (fragment) භාවිත කර නැත.
document-impossible-fragment = "{ $type }" මත තැබූ ඛණ්ඩයක් (fragment) මෙහි යෙදිය නොහැක: "{ $parent }" වර්ගයේ කිසිවක් කිසි විටෙකත් එම වර්ගයට අයත් නොවේ.
document-fragment-cycle = "{ $name }" ඛණ්ඩය (fragment) තුළ එයම අඩංගු වේ.
document-variable-twice = විචල්‍ය කිහිපයක් "${ $name }" ලෙස නම් කර ඇත.
document-undeclared-variable = "${ $name }" විචල්‍යය භාවිත කර ඇති නමුත් මෙහෙයුම එය ප්‍රකාශ කර නැත.
document-unused-variable = "${ $name }" විචල්‍යය ප්‍රකාශ කර ඇති නමුත් භාවිත කර නැත.
document-unknown-directive = "@{ $name }" නමින් විධානයක් (directive) නැත.
# $place: what it stands at, such as query or field.
document-directive-place = "@{ $name }" විධානය (directive) මෙම ස්ථානයේ ("{ $place }") යෙදිය නොහැක.
document-directive-twice = "@{ $name }" විධානය (directive) මෙම ස්ථානයේ යෙදිය හැක්කේ එක් වරක් පමණි.
document-incremental = පිළිතුරු දෙනු ලබන්නේ එකවර සම්පූර්ණයෙනි: "@defer" සහ "@stream" භාවිත කළ නොහැක.
# $on: a field with its type, such as Query.shares, or a directive or fragment.
document-unknown-argument = "{ $on }" සඳහා "{ $argument }" නමින් විස්තාරකයක් (argument) නැත.
document-argument-twice = "{ $argument }" විස්තාරකය (argument) කිහිප වරක් ලබා දී ඇත.
document-missing-argument = "{ $on }" සඳහා අවශ්‍ය "{ $type }" වර්ගයේ "{ $argument }" විස්තාරකය (argument) ලබා දී නැත.
# $wanted: the type that is needed.
document-variable-position = "{ $wanted }" අවශ්‍ය තැනක "{ $type }" වර්ගයේ "${ $name }" විචල්‍යය යෙදිය නොහැක.
document-variable-one-of = "{ $type }" වර්ගයේ "${ $name }" විචල්‍යය null විය හැකි නමුත් "{ $wanted }" එය භාර නොගනී.
# $field: under which name they would be answered.
document-different-fields = පිළිතුරේ අගයන් දෙකක් "{ $field }" ලෙස නම් වනු ඇත; නමුත් "{ $one }" සහ "{ $other }" එකිනෙකට වෙනස් ක්ෂේත්‍ර වේ. ඉන් එකකට අන්වර්ථ නාමයක් (alias) දෙන්න.
document-different-arguments = පිළිතුරේ අගයන් දෙකක් "{ $field }" ලෙස නම් වනු ඇත; නමුත් ඒවායේ විස්තාරක (arguments) එකිනෙකට වෙනස් වේ. ඉන් එකකට අන්වර්ථ නාමයක් (alias) දෙන්න.
document-different-types = පිළිතුරේ අගයන් දෙකක් "{ $field }" ලෙස නම් වනු ඇත; නමුත් එකක් "{ $one }" වර්ගයේ වන අතර අනෙක "{ $other }" වර්ගයේ වේ. ඉන් එකකට අන්වර්ථ නාමයක් (alias) දෙන්න.
document-conflict = පිළිතුරේ අගයන් දෙකක් "{ $field }" ලෙස නම් වනු ඇත; නමුත් ඒවා එකිනෙකට වෙනස් වේ. ඉන් එකකට අන්වර්ථ නාමයක් (alias) දෙන්න.
document-field-twice = "{ $field }" ක්ෂේත්‍රය කිහිප වරක් ලබා දී ඇත.
document-deep-introspection = යෝජනා ක්‍රමයේ විමසුම ලැයිස්තුවෙන් ලැයිස්තුවට ඕනෑවට වඩා වාර ගණනක් යයි.
document-entangled = ලේඛනය පරීක්ෂා කිරීමට නොහැකි තරම් සංකීර්ණය. වරකට අඩුවෙන් ඉල්ලන්න.

# Follow some of these: what may be meant instead. $names: of fields, values or types, in quotes, parted by commas.
document-similar = ඊට සමාන නම්: { $names }.
document-of-types = එය ලබා ගත හැක්කේ මෙම වර්ගවලින් එකක් මත තැබූ ඛණ්ඩයක (fragment) පමණි: { $names }.

## The page at the front door.

home-what = කර්මාන්තවල කොටස් මිල GraphQL මගින් සොයා බලන්න.
home-graphiql = බ්‍රවුසරයෙන් API එක ගවේෂණය කරන්න
home-schema = යෝජනා ක්‍රමය (schema) ගොනුවක් ලෙස
home-readiness = සේවාදායකය සූදානම්ද යන වග

## What a password has to be: finer texts for PASSWORD_TOO_WEAK.

# $min counts characters.
password-too-short = කරුණාකර අවම වශයෙන් { $min ->
        [1] එක් අනුලකුණක්
       *[other] අනුලකුණු { $min }ක්
    } ඇති මුරපදයක් තෝරන්න.
# $max counts characters.
password-too-long = කරුණාකර { $max ->
        [1] එක් අනුලකුණකට
       *[other] අනුලකුණු { $max }කට
    } වඩා දිගු නොවන මුරපදයක් තෝරන්න.
password-needs-digit = මුරපදයේ අවම වශයෙන් එක් ඉලක්කමක් තිබිය යුතුය.
password-needs-lowercase = මුරපදයේ අවම වශයෙන් එක් කුඩා අකුරක් (a, b, c වැනි) තිබිය යුතුය.
password-needs-uppercase = මුරපදයේ අවම වශයෙන් එක් ලොකු අකුරක් (A, B, C වැනි) තිබිය යුතුය.
password-needs-non-alphanumeric = මුරපදයේ අකුරක් හෝ ඉලක්කමක් නොවන අනුලකුණක් අවම වශයෙන් එකක් තිබිය යුතුය.
# $count: how many different characters are needed.
password-too-uniform = කරුණාකර අවම වශයෙන් { $count ->
        [1] එක් අනුලකුණක්
       *[other] එකිනෙකට වෙනස් අනුලකුණු { $count }ක්
    } ඇති මුරපදයක් තෝරන්න.
password-leaked = මෙම මුරපදය දත්ත කාන්දුවීම්වලින් හෙළි වී ඇත. කරුණාකර වෙනත් මුරපදයක් තෝරන්න.
password-personal = මෙම මුරපදයේ ඔබේ නම හෝ ඊමේල් ලිපිනයේ කොටසක් ඇත. කරුණාකර වෙනත් මුරපදයක් තෝරන්න.

## Who may do something. These texts stand inside FORBIDDEN, before the postposition "සඳහා", in the form
## that it asks for.

policy-ANYONE = සියලු දෙනා
policy-ALL_TRADERS = තහවුරු කළ ඊමේල් ලිපිනයක් ඇති වෙළෙඳුන්
policy-SKILLED_TRADERS = අවම වශයෙන් සම්පූර්ණ එක් වසරක සේවා කාලයක් ඇති වෙළෙඳුන්
policy-TRADER_MANAGERS = අවම වශයෙන් සම්පූර්ණ වසර පහක සේවා කාලයක් ඇති වෙළෙඳුන්
policy-ADMINISTRATORS = පරිපාලකයන්

## Why a trader satisfies a policy or does not. The reader may be the trader or somebody else.

reason-anyone = මෙය ඕනෑම කෙනෙකුට කළ හැක.
reason-confirmed = ඊමේල් ලිපිනය තහවුරු කර ඇත.
reason-not-confirmed = ඊමේල් ලිපිනය තවම තහවුරු කර නැත.
# $years counts the full years of service, $needed those that are needed.
reason-years-satisfied = සම්පූර්ණ කළ සේවා කාලය { $years ->
        [1] එක් වසරකි
       *[other] වසර { $years }කි
    }; අවශ්‍ය වන්නේ { $needed ->
        [1] එක් වසරකි
       *[other] වසර { $needed }කි
    }.
# $date: the day from which there will be enough.
reason-years-missing = සම්පූර්ණ කළ සේවා කාලය { $years ->
        [1] එක් වසරකි
       *[other] වසර { $years }කි
    }; අවශ්‍ය වන්නේ { $needed ->
        [1] එක් වසරකි
       *[other] වසර { $needed }කි
    }. { $date } සිට එය සපුරනු ඇත.
reason-joining-date-unverified = එක් වූ දිනය පරිපාලකයෙක් තවම තහවුරු කර නැත.
reason-administrator = මෙම පුද්ගලයා පරිපාලකයෙකි.
reason-not-administrator = මෙම පුද්ගලයා පරිපාලකයෙක් නොවේ.

## The second factor

SECOND_FACTOR_REQUIRED = මුරපදය නිවැරදියි. කරුණාකර ඔබේ සත්‍යාපන යෙදුමේ පෙන්වන කේතය ද ඇතුළත් කරන්න.
INCORRECT_SECOND_FACTOR = මෙම කේතය වැරදියි, නැතහොත් දැනටමත් භාවිත කර ඇත. කරුණාකර ඔබේ යෙදුම දැන් පෙන්වන කේතය ඇතුළත් කරන්න.
two-factor-on = ද්වි-සාධක පිවිසුම දැනටමත් සක්‍රියයි.
two-factor-off = ද්වි-සාධක පිවිසුම සක්‍රිය කර නැත.

## E-mails: for each kind a subject, which holds no code for it shows on locked screens, and a text. Its
## paragraphs are parted by empty lines, and one that is nothing but { $code } is shown large. They name
## nobody: a stranger may have typed the name.

# Ends every e-mail.
mail-signature = මෙම ඊමේල් පණිවිඩය Share Price Viewer වෙතින් ස්වයංක්‍රීයව එවන ලදී. කරුණාකර මෙයට පිළිතුරු නොයවන්න.

mail-confirm-email-subject = ඔබේ ඊමේල් ලිපිනය තහවුරු කිරීමේ කේතය
mail-confirm-email-text =
    මෙම ඊමේල් ලිපිනය Share Price Viewer හි ලියාපදිංචි කර ඇත. එසේ කළේ ඔබ යැයි අපි සිතමු. එය තහවුරු කිරීමට කරුණාකර මෙම කේතය ඇතුළත් කරන්න:

    { $code }

    ඔබ එය ඉල්ලූ මොහොතේ සිට { $minutes ->
        [1] මිනිත්තුවක්
       *[other] මිනිත්තු { $minutes }ක්
    } ඇතුළත, එක් වරක් පමණක් එය භාවිත කළ හැක. එය රහසිගතව තබා ගන්න: අපි කිසි විටෙකත් එය ඔබෙන් විමසන්නේ නැත.

    එය ඉල්ලුවේ ඔබ නොවේ නම්, කරුණාකර මෙම පණිවිඩය නොසලකා හරින්න.

mail-already-registered-subject = ඔබ දැනටමත් ලියාපදිංචි වී ඇත
mail-already-registered-text =
    මෙම ඊමේල් ලිපිනය Share Price Viewer හි ලියාපදිංචි කිරීමට උත්සාහයක් ගෙන ඇත. එසේ කළේ ඔබ යැයි අපි සිතමු. එය දැනටමත් ලියාපදිංචි කර ඇති බැවින් කිසිවක් වෙනස් වී නැත.

    පිවිසීමට ඔබේ දැනට ඇති මුරපදය භාවිත කරන්න. එය අමතක වී ඇත්නම්, අලුත් මුරපදයක් තෝරා ගැනීමට කේතයක් ඉල්ලන්න.

    එසේ කළේ ඔබ නොවේ නම්, කරුණාකර මෙම පණිවිඩය නොසලකා හරින්න.

mail-change-password-subject = අලුත් මුරපදයක් තෝරා ගැනීමේ කේතය
mail-change-password-text =
    Share Price Viewer හි ඔබේ ගිණුමට අලුත් මුරපදයක් තෝරා ගැනීමට ඉල්ලීමක් ලැබී ඇත. එසේ කළේ ඔබ යැයි අපි සිතමු. එය තෝරා ගැනීමට කරුණාකර මෙම කේතය ඇතුළත් කරන්න:

    { $code }

    ඔබ එය ඉල්ලූ මොහොතේ සිට { $minutes ->
        [1] මිනිත්තුවක්
       *[other] මිනිත්තු { $minutes }ක්
    } ඇතුළත, එක් වරක් පමණක් එය භාවිත කළ හැක. එය රහසිගතව තබා ගන්න: එය දන්නා අයෙකුට ඔබේ ගිණුම අත්පත් කර ගත හැක. අපි කිසි විටෙකත් එය ඔබෙන් විමසන්නේ නැත.

    එය ඉල්ලුවේ ඔබ නොවේ නම්, කරුණාකර මෙම පණිවිඩය නොසලකා හරින්න. ඔබේ මුරපදය වෙනස් නොවේ.

mail-password-changed-subject = ඔබේ මුරපදය වෙනස් කරන ලදී
# $time: a moment in UTC, such as 2026-06-15 12:00 UTC.
mail-password-changed-text =
    Share Price Viewer හි ඔබේ ගිණුමේ මුරපදය { $time } වේලාවට වෙනස් කරන ලදී. ඔබේ අනෙක් උපාංගවල පිවිසුම් අවසන් කර ඇත.

    එසේ කළේ ඔබ නම්, තවත් කිසිවක් කිරීමට අවශ්‍ය නැත.

    එසේ කළේ ඔබ නොවේ නම්, අලුත් මුරපදයක් තෝරා ගැනීමට වහාම කේතයක් ඉල්ලන්න.

mail-locked-out-subject = ඔබේ ගිණුමට පිවිසීම තාවකාලිකව නවතා ඇත
mail-locked-out-text =
    Share Price Viewer හි ඔබේ ගිණුමට පිවිසීමට ගත් උත්සාහයන් කිහිපයක් අසාර්ථක විය. එබැවින් ඉදිරි { $minutes ->
        [1] මිනිත්තුව
       *[other] මිනිත්තු { $minutes }
    } තුළ කිසිවෙකුට එයට පිවිසිය නොහැක.

    එසේ කළේ ඔබ නම්, ඉන් පසුව නැවත උත්සාහ කරන්න, නැතහොත් අලුත් මුරපදයක් තෝරා ගැනීමට කේතයක් ඉල්ලන්න.

    එසේ කළේ ඔබ නොවේ නම්, යමෙක් ඔබේ මුරපදය අනුමාන කිරීමට උත්සාහ කරනවා විය හැක. ඔබේ මුරපදය ශක්තිමත් එකක් බවටත්, එය වෙනත් කිසි තැනක භාවිත නොකරන බවටත් වග බලා ගන්න.

mail-two-factor-enabled-subject = ද්වි-සාධක පිවිසුම සක්‍රිය කරන ලදී
# $time: a moment in UTC, such as 2026-06-15 12:00 UTC.
mail-two-factor-enabled-text =
    Share Price Viewer හි ඔබේ ගිණුම සඳහා ද්වි-සාධක පිවිසුම { $time } වේලාවට සක්‍රිය කරන ලදී. මින් ඉදිරියට, පිවිසීමට ඔබේ මුරපදයට අමතරව සත්‍යාපන යෙදුමේ කේතයක් ද අවශ්‍ය වේ.

    ඔබේ ප්‍රතිසාධන කේත ආරක්ෂිත තැනක තබා ගන්න. ඒ සෑම එකකින්ම එක් වරක් යෙදුම නොමැතිව පිවිසිය හැක.

    එසේ කළේ ඔබ නොවේ නම්, වහාම අලුත් මුරපදයක් තෝරා පරිපාලකයෙකුට දන්වන්න.

mail-two-factor-disabled-subject = ද්වි-සාධක පිවිසුම අක්‍රිය කරන ලදී
# $time: a moment in UTC, such as 2026-06-15 12:00 UTC.
mail-two-factor-disabled-text =
    Share Price Viewer හි ඔබේ ගිණුම සඳහා ද්වි-සාධක පිවිසුම { $time } වේලාවට අක්‍රිය කරන ලදී. මින් ඉදිරියට, පිවිසීමට ඔබේ මුරපදය පමණක් ප්‍රමාණවත් වේ.

    එසේ කළේ ඔබ නම්, තවත් කිසිවක් කිරීමට අවශ්‍ය නැත.

    එසේ කළේ ඔබ නොවේ නම්, වහාම අලුත් මුරපදයක් තෝරා ද්වි-සාධක පිවිසුම නැවත සක්‍රිය කරන්න.

mail-recovery-code-used-subject = ප්‍රතිසාධන කේතයක් භාවිත කරන ලදී
# $remaining counts the codes that are left.
mail-recovery-code-used-text =
    Share Price Viewer හි ඔබේ ගිණුමට සත්‍යාපන යෙදුම වෙනුවට ප්‍රතිසාධන කේතයක් භාවිත කරන ලදී. { $remaining ->
        [0] ඔබ සතුව තවත් ප්‍රතිසාධන කේත නැත.
        [1] ඔබ සතුව ඉතිරිව ඇත්තේ එක් ප්‍රතිසාධන කේතයක් පමණි.
       *[other] ඔබ සතුව ප්‍රතිසාධන කේත { $remaining }ක් ඉතිරිව ඇත.
    }

    එසේ කළේ ඔබ නම්, ඒවා අවසන් වීමට පෙර අලුත් ප්‍රතිසාධන කේත ඉල්ලන්න.

    එසේ කළේ ඔබ නොවේ නම්, වහාම අලුත් මුරපදයක් තෝරා අලුත් ප්‍රතිසාධන කේත ඉල්ලන්න.

## How long an operation may take: finer texts for UNAVAILABLE.

unavailable-out-of-time = මෙහෙයුමට ඕනෑවට වඩා කාලයක් ගත වූ බැවින් එය නවතන ලදී. වරකට අඩුවෙන් ඉල්ලන්න, නැතහොත් මඳ වේලාවකින් නැවත උත්සාහ කරන්න.
unavailable-server-ends = සේවාදායකය නැවත ආරම්භ කෙරෙමින් පවතින බැවින් මෙය නවතන ලදී. මඳ වේලාවකින් නැවත උත්සාහ කරන්න.

## How large an operation may be: finer texts for COST_EXCEEDED.

limit-characters = ලේඛනයේ අක්ෂර { $found }ක් ඇත; අවසර ඇත්තේ උපරිම වශයෙන් { $most }කට පමණි.
limit-tokens = ලේඛනයේ සංකේත ඒකක (tokens) { $most }කට වඩා ඇත; ඊට වඩා අවසර නැත.
limit-operations = ලේඛනයේ මෙහෙයුම් { $found }ක් ඇත; අවසර ඇත්තේ උපරිම වශයෙන් { $most }කට පමණි.
limit-depth = ක්ෂේත්‍ර මට්ටම් { $found }ක් ගැඹුරට යයි; අවසර ඇත්තේ උපරිම වශයෙන් මට්ටම් { $most }කට පමණි.
limit-fields = ඛණ්ඩ (fragments) යොදා ඇති සෑම තැනක්ම ගණන් ගත් විට මෙහෙයුමේ ක්ෂේත්‍ර { $found }ක් ඇත; අවසර ඇත්තේ උපරිම වශයෙන් { $most }කට පමණි.
limit-root-fields = මෙහෙයුමේ ඉහළම මට්ටමේ ක්ෂේත්‍ර { $found }ක් ඇත; අවසර ඇත්තේ උපරිම වශයෙන් { $most }කට පමණි.
limit-aliases = මෙහෙයුමේ අන්වර්ථ නාම (aliases) { $found }ක් ඇත; අවසර ඇත්තේ උපරිම වශයෙන් { $most }කට පමණි.
limit-directives = මෙහෙයුමේ විධාන (directives) { $found }ක් ඇත; අවසර ඇත්තේ උපරිම වශයෙන් { $most }කට පමණි.
limit-introspection = යෝජනා ක්‍රමයේ විමසුම වර්ගයෙන් වර්ගයට { $found } වරක් යයි; අවසර ඇත්තේ උපරිම වශයෙන් { $most } වරකට පමණි.

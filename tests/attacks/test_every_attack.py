"""The list of attacks to withstand, and where each of them is tried."""

import re
from collections.abc import Mapping

import pytest

from tests.processes import ROOT

_HERE = "tests/attacks"

ATTACKS: Mapping[str, tuple[str, ...]] = {
    f"{_HERE}/test_documents.py": (
        "test_101_aliases",
        "test_an_array_batch",
        "test_an_array_batch_over_a_socket",
        "test_1_000_directives",
        "test_500_repeated_fields",
        # Directly and by fragments; by POST, GET, socket and stream, as all of these.
        "test_depth_20",
        "test_2_to_the_22_fragments",
        "test_thirty_doubled_levels_of_fragments",
        "test_20_000_deep",
        "test_20_000_tokens",
        "test_5_000_errors",
        "test_3_000_overlapping_fields",
        "test_a_document_of_1_mebibyte",
        "test_limit_1e6_and_minus_1",
        "test_others_are_unharmed_while_all_of_them_come_at_once",
    ),
    f"{_HERE}/test_transport.py": (
        "test_a_form_or_text_plain_or_multipart_is_never_run",
        "test_a_mutation_by_get_is_never_run",
        "test_a_body_of_12_mebibytes_is_refused_unread",
        "test_a_gzip_bomb_is_never_unpacked",
        "test_a_byte_a_second_of_a_head_is_cut",
        "test_a_byte_a_second_of_a_body_is_cut",
        "test_an_answer_that_is_read_a_byte_a_second_is_cut",
        "test_huge_headers_are_answered_with_431",
    ),
    f"{_HERE}/test_strings.py": (
        "test_hostile_strings_and_nul_in_every_place",
        "test_surrogates_and_nan_in_every_place",
        "test_ids_of_2_to_the_64_and_what_is_no_string_in_every_place",
        "test_sql_in_every_string_is_a_value_or_an_error",
        "test_hostile_strings_and_sql_in_every_header",
    ),
    f"{_HERE}/test_sockets.py": (
        "test_a_socket_of_a_foreign_origin_is_refused",
        "test_a_socket_that_is_never_initialised_is_closed",
        "test_20_000_pings_close_the_socket",
        "test_20_000_pings_whose_answers_are_never_read_take_no_memory",
        "test_2_000_subscriptions_close_the_socket_and_end",
        "test_8_mebibytes_in_a_message_close_the_socket",
        "test_8_mebibytes_in_parts_close_the_socket",
        "test_garbage_closes_the_socket",
    ),
    f"{_HERE}/test_streams.py": (
        "test_300_streams_are_held_to_what_an_address_may_have",
        "test_of_300_streams_that_are_open_none_stalls_nor_does_anybody_else",
    ),
    f"{_HERE}/test_secrets.py": (
        "test_log_in_and_registration_answer_known_and_unknown_alike_to_the_byte",
        "test_30_wrong_passwords_are_five_tries",
        "test_spraying_one_password_over_many_accounts_is_throttled_known_or_not",
        "test_30_wrong_passwords_by_alias_are_refused_whole_or_counted_each",
        "test_30_wrong_passwords_by_batch_are_not_tried_at_all",
        "test_30_wrong_passwords_by_socket_are_five_tries",
        "test_30_wrong_passwords_under_a_rotating_x_forwarded_for_are_throttled",
        "test_40_code_guesses_are_five_tries_and_the_right_one_comes_too_late",
    ),
    # Text and time of log-in and registration.
    "tests/identity/test_even_time.py": ("test_the_answer_is_held_once",),
    "tests/identity/test_lockout.py": ("test_the_answers_are_the_same_for_an_unknown_address",),
    # Ten thousand requests of anything at all, with TESTS_LONG.
    "tests/limits/test_fuzz.py": ("test_any_bytes_are_refused_in_words",),
    # Tokens: algorithms, keys, claims and bytes that are not as they should be.
    "tests/permits/test_attacks.py": (),
}


@pytest.mark.parametrize("file", ATTACKS)
def test_every_attack_is_tried(file: str) -> None:
    tests = set(re.findall(r"^(?:async )?def (test_\w+)\(", (ROOT / file).read_text(), re.MULTILINE))

    assert set(ATTACKS[file]) - tests == set()
    assert tests

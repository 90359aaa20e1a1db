/* Tests of the backends whose server fails. They are of the program test_limit_backends, because no
 * other test may use these servers meanwhile. */
#ifndef TESTS_STORE_LIMIT_FAULTS_H
#define TESTS_STORE_LIMIT_FAULTS_H

void a_server_that_is_away_is_said_at_once(void **state);
void a_server_that_never_answers_is_given_up_in_time(void **state);
void a_certificate_must_be_trusted(void **state);
void a_password_must_be_right(void **state);
void a_server_that_hangs_is_given_up_in_time(void **state);
void connections_that_broke_are_replaced(void **state);
void a_server_that_was_started_again_counts_again(void **state);
void a_sweep_removes_rows(void **state);
void a_table_that_was_dropped_is_made_again(void **state);

#endif

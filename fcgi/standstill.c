#include "fcgi/standstill.h"

bool standstill_look(struct standstill *standstill, unsigned waiting, unsigned long long moves,
                     int64_t now_us)
{
        if (waiting > 0 || moves != standstill->moves || standstill->moved_at_us == 0) {
                standstill->moves = moves;
                standstill->moved_at_us = now_us;
        }
        return now_us - standstill->moved_at_us >= STANDSTILL_US;
}

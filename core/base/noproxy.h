/* NO_PROXY: which hosts are reached without a proxy. There is no standard; this is what curl 7.86
 * and later do, and a little more. No DNS. */
#ifndef CORE_BASE_NOPROXY_H
#define CORE_BASE_NOPROXY_H

#include <stdbool.h>

/* Is host, a name or an address with or without brackets, in the list? Its items are separated by
 * commas and blanks, and case does not count:
 *   *                                  every host
 *   example.com, .example.com          the host and all below it
 *   *.example.com                      all below it
 *   10.1.2.3, 2001:db8::1, [::1]       the address, however it is written
 *   10.0.0.0/8, 2001:db8::/32          every address of the range
 * A host, a name below it or an address may be followed by a port (example.com:8443, [::1]:80),
 * and then stands for that port alone. What is none of these matches nothing. */
bool noproxy_matches(const char *list, const char *host, unsigned port);

#endif

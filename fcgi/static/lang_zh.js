// 简体中文，按组排列。
import { flat } from "./lang_flat.js";

export default flat({
account: {
  access_key: "访问密钥 ID", add_key: "创建密钥", add_s3: "创建 S3 密钥", add_token: "保存令牌", address: "地址",
  api_keys: "API 密钥", browser: "浏览器", change_password: "修改密码", current_password: "当前密码",
  display_name: "显示名称", email: "电子邮箱", end: "在该处退出", end_question: "使用该会话的人需要重新登录。",
  endpoint: "端点 URL", expires: "到期时间", expires_days: "有效天数", expires_hint: "留空表示永不过期。", key: "密钥",
  key_made: "新密钥", last_used: "上次使用", local: "尚无用户，您以本地管理员身份操作。创建首位管理员后即有账户。", new_password: "新密码",
  not_the_same: "两次输入的密码不一致。", noted: "我已记下", once: "此内容仅显示一次，请妥善保存。", password: "密码",
  password_changed: "密码已修改。", password_hint: "至少 8 个字符。", profile: "个人资料", provider: "提供商账户",
  provider_user: "已连接为", repeat_password: "再次输入密码", revoke: "吊销",
  revoke_question: "“{name}”将立即失效，且无法恢复。", s3_keys: "S3 密钥", save: "保存", secret_key: "秘密访问密钥",
  seen: "上次活动", sessions: "会话", source: "令牌来源", this_session: "当前会话", title: "我的账户",
  token_good: "提供商接受该令牌。", token_question: "此后您的作业将使用服务的令牌。", tokens: "我的提供商令牌", username: "用户名",
  value: "令牌",
},
advanced: {
  ca_hint: "服务器上的证书文件，包含企业 CA；与系统证书同时生效。", endpoint: "Webhook 端点：", http_timeout: "HTTP 超时",
  ip_add: "IP 范围", ip_all: "未配置范围：接受所有地址的 Webhook。",
  ip_bad: "地址无效：请写成 10.0.0.0/8、1.2.3.4/32 或 2001:db8::/32 的形式。", ip_bits: "“/”后的数字最大为 {most}。",
  ip_hint: "CIDR（10.0.0.0/8）或单个地址（1.2.3.4/32）。", ip_known: "该范围已存在。", ip_remove: "移除 {range}",
  ip_submit: "添加", network: "网络", ok: "确定",
  proxy_hint: "支持 http、https、socks5、socks5h。密码加密保存且不再显示。留空表示不使用。", proxy_url: "代理 URL",
  s3_endpoint_enabled: "作业可上传到本服务（S3 端点）", s3_output_path: "输出路径",
  s3_path_hint: "作业文件在服务器上的保存位置：绝对路径或以 ~/ 开头。", s3_public_url: "S3 公网 URL",
  s3_url_hint: "作业从外部访问存储的地址。留空则使用 SIMPLETUNER_PUBLIC_URL。", security: "Webhook 安全",
  ssl_ca_bundle: "CA 包路径", ssl_off: "未校验该提供商的证书：中间人可以读取并篡改所有内容。", ssl_verify: "SSL 校验",
  storage: "存储端点", test_external: "外部测试", test_internal: "内部测试", testing: "测试中…",
  text: "每项设置修改后立即保存。", timeout_hint: "请求超时秒数，1 至 600。", title: "高级配置（Advanced Configuration）",
  use_host: "使用当前主机", webhook_require_signature: "仅接受签名有效的 Webhook",
  webhook_url: "公网 URL（Public URL）",
  webhook_url_hint: "提供商访问本服务的地址，例如通过隧道。留空则使用 SIMPLETUNER_PUBLIC_URL。", webhooks: "Webhook",
},
archive: {
  done: "已完成", failed: "失败", pending: "等待中", running: "获取中",
},
chart: {
  day: "日期", table: "以表格显示",
},
cloud: {
  jobs: "作业",
},
confirm: {
  no: "返回", title: "确定吗？", yes: "继续",
},
consent: {
  allow: "始终上传", ask: "每次询问", deny: "从不上传",
},
defaults: {
  consent: "本地数据集", consent_hint: "是否允许将本服务器上的数据发送给提供商？", hardware_profile: "硬件",
  max_runtime_minutes: "最长运行时间（分钟）", title: "作业默认值",
},
deliveries: {
  attempts: "尝试次数", body: "正文", client: "发送方", headers: "请求头", id: "投递", none: "没有投递记录。",
  one: "Webhook 投递", outcome: "结果", received: "接收时间", replay: "重放", replay_label: "重放投递 {id}",
  replay_question: "该投递将像刚收到一样再次处理。", replayed: "已重放：{outcome}。{reason}", show: "查看",
  show_label: "查看投递 {id}", text: "提供商发送的内容：每次投递都先保存再处理。", title: "Webhook 投递", verdict: "签名",
},
dialog: {
  close: "关闭",
},
error: {
  status: "服务暂时不可用（{status}）。", unreachable: "无法连接服务器。",
},
files: {
  folder: "文件夹", inside: "{n} 个文件", more: "更多文件", none: "没有文件。", size: "大小", sum: "{n} 个文件，{size}",
  title: "文件", when: "修改时间",
},
health: {
  closed: "关闭", degraded: "降级", half_open: "半开", healthy: "健康", open: "打开", unhealthy: "异常",
},
hero: {
  ask: "请联系管理员连接提供商。", environment: "也可以在服务的环境变量中设置令牌：", step_costs: "设置支出上限：",
  step_results: "设置作业如何回传结果：", step_submit: "提交第一个作业：",
  text: "作业在 {provider} 上运行。粘贴其 API 令牌即可开始；令牌加密保存在服务器上，绝不显示。", title: "连接提供商",
},
job: {
  actions: "操作", approval: "审批", archive: "从提供商获取", arriving: "{n} 个正在上传（{size}）", attempt: "尝试次数",
  cancel: "取消", cancel_label: "取消作业 {job}", cancel_question: "确定要取消此作业吗？", cancel_yes: "取消作业",
  cancelled: "作业 {job} 已取消。", completed: "结束时间", copied: "已复制。", copy: "复制", cost: "费用",
  created: "创建时间", data_upload: "本地数据正在上传到提供商", delete: "移除", delete_question: "确定要从历史记录中移除此作业吗？",
  delete_title: "移除作业 {job}", deleted: "作业 {job} 已移除。", duration: "时长", estimated: "预计费用",
  external_id: "提供商 ID", fetch_again: "重新获取", fetch_hint: "获取提供商仍保留的日志和输出文件",
  fetching: "正在获取缺失的内容。", hardware: "硬件", id: "作业 ID", last_upload: "最近上传", metadata: "元数据",
  name: "名称", not_copied: "浏览器不允许复制，请手动选择文本。", output: "输出", owner: "所有者", position: "队列第 {n} 位",
  progress: "进度", provider: "提供商", retry: "重新运行", retry_of: "重试自", started: "开始时间", status: "状态",
  title: "作业", uploads: "已回传文件", waits_for_approval: "此作业正在等待审批。",
},
jobs: {
  all: "全部", newest: "最新优先", none: "还没有作业。", none_found: "没有匹配的作业。", oldest: "最早优先", order: "排序",
  search: "按名称或 ID 搜索", sync: "同步", sync_hint: "导入在别处提交的作业",
},
limit: {
  block: "拒绝作业", cost_limit_action: "达到上限时", cost_limit_amount: "金额（美元）",
  cost_limit_enabled: "限制支出", cost_limit_period: "周期", none: "没有支出上限。", title: "支出上限",
  used: "{period}已用 {spent}，上限 {limit}（{percent} %）", warn: "警告",
},
logs: {
  all: "全部级别", debug: "调试", download: "下载", error: "错误", follow: "跟随末尾", info: "信息",
  left_out: "未显示较早的 {n} 行", level: "级别", lines: "{n} 行", matches: "{n} 处匹配", search: "搜索日志",
  title: "日志", truncated: "仅显示日志末尾。", warning: "警告",
},
nav: {
  admin: "管理", cloud: "云端",
},
notice: {
  cancelled: "作业 {job} 已取消", completed: "作业 {job} 已完成", failed: "作业 {job} 失败",
  submitted: "作业 {job} 已提交",
},
outcome: {
  applied: "已应用", failed: "失败", ignored: "已忽略", received: "已接收", unchanged: "无变化",
},
pager: {
  after: "下一页", before: "上一页", label: "分页", page: "第 {n} 页", range: "{first}–{last}",
  range_of: "{first}–{last}，共 {total}",
},
period: {
  daily: "每日", monthly: "每月", weekly: "每周",
},
provider: {
  connect: "保存并连接", connected: "已连接：{user}。", invalid: "提供商不接受该令牌。", ready: "就绪", remove: "断开连接",
  remove_question: "令牌将被移除。没有令牌就无法提交或跟踪该提供商的作业。", removed: "令牌已移除。", setup: "待设置", test: "测试",
  token: "{provider} API 令牌", token_hint: "加密保存，绝不显示。",
},
quota: {
  cost_daily: "每日费用", cost_monthly: "每月费用",
},
settings: {
  saved: "设置已保存", title: "设置",
},
setup: {
  banner: "尚无用户：使用本机的任何人都拥有全部权限。", elsewhere: "尚无用户。请在服务器本机创建首位管理员：在那里打开此页面，或运行 ", later: "暂不",
  link: "创建首位管理员", submit: "创建管理员", title: "首位管理员",
},
shell: {
  again: "重试", denied: "您无权查看此页面。", language: "语言", live: "实时", loading: "加载中…", no_view: "没有这个页面。",
  not_live: "非实时", refresh: "刷新", sections: "分区", sign_out: "退出登录", skip: "跳到内容", tabs: "主导航",
},
sign_in: {
  name: "用户名或电子邮箱", register: "创建账户", remember: "保持登录一个月", submit: "登录", title: "登录",
  to_register: "创建账户",
},
source: {
  global: "服务", user: "您的账户",
},
stage: {
  Preprocessing: "预处理", "Saving checkpoint": "保存检查点", Training: "训练", Validation: "验证",
  Warmup: "预热",
},
state: {
  active: "有效", expired: "已过期", revoked: "已吊销",
},
stats: {
  cost_by_day: "每日费用", days: "{n} 天", mean_duration: "平均时长", outcome_by_day: "每日结果", period: "周期",
  spent: "已支出", title: "统计",
},
status: {
  blocked: "等待审批", cancelled: "已取消", completed: "已完成", failed: "失败", pending: "待处理", queued: "排队中",
  running: "运行中", uploading: "上传中",
},
submit: {
  check: "检查", check_hint: "试运行：查看结果但不提交", config: "训练配置（JSON）",
  config_kind: "必须是 JSON 对象，例如 {\"model_type\": \"lora\"}。", consent: "我同意将这些数据集上传到提供商",
  data: "数据集（JSON）", data_hint: "JSON 数组；本地数据集会统计大小并上传。",
  dataloader_config_kind: "必须是 JSON 数组，例如 []。", denied: "本服务不允许本地数据离开服务器。", done: "已提交：{job}。",
  from_history: "基于您在此硬件上已完成作业的平均值。", input: "发送内容", message: "快照说明", minutes: "最长运行时间（分钟）",
  minutes_hint: "留空则使用设置中的值。", more: "更多", needs_approval: "需要审批", no_history: "最高费用：已完成作业太少，无法估算。",
  not_json: "不是有效的 JSON：{reason}", quota: "配额", quota_after: "之后", quota_before: "当前",
  quota_limit: "上限", quota_percent: "之后占比", quotas: "对配额的影响", ready: "可以提交", refused: "将被拒绝",
  review: "检查结果", snapshot: "快照名称", source: "配置", source_json: "在下方填写", submit: "提交", title: "新建作业",
  tracker: "跟踪运行名称", upload: "需要上传 {files} 个文件（{size}）到提供商：", waits: "已提交：{job}，等待审批。",
  webhook: "Webhook",
},
system: {
  breakers: "熔断器", checked: "检查时间", component: "组件", components: "组件", deep: "同时检查提供商",
  deep_hint: "会询问每个提供商，耗时较长", depth: "等待中", failures: "失败次数", health: "健康状态", last_error: "最近错误",
  last_run: "上次运行", latency: "延迟", message: "信息", off: "关", on: "开", polling: "轮询",
  polling_auto: "自动", providers: "提供商状态页", queue: "队列", reset: "重置", title: "系统", unknown: "未知",
  uptime: "运行时间", version: "版本",
},
table: {
  empty: "暂无内容。",
},
theme: {
  auto: "跟随系统配色", dark: "深色", light: "浅色",
},
toast: {
  close: "关闭消息",
},
upload: {
  packaging: "打包中", scanning: "扫描中", submitting: "提交中", uploading: "上传中",
},
});
